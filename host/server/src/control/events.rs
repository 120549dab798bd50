//! Routes about events. A search streams its matches as lines of JSON; closing the connection ends it.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use tokio::sync::mpsc;

use super::extract::{At, Fields};
use super::routes::Routes;
use super::{Answer, Shared, lines, ok, read};
use crate::body;
use crate::caller::Caller;
use crate::reply::Refusal;
use handoff_app::shard::Shard;
use handoff_control::events::find::{FIND, FindLine, FindRequest};
use handoff_control::events::send::SEND;
use handoff_control::events::{EventQuery, LIST, SHOW, TRACE};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&TRACE, trace);
    routes.add(&FIND, find);
    routes.add(&SEND, send);
}

/// Matches that wait for a slow reader.
const FOUND: usize = 64;

async fn list(State(shard): Shared, Fields(query): Fields<EventQuery>) -> Answer {
    read(&shard, move |shard| shard.list_events(&query)).await
}

async fn show(State(shard): Shared, At(position): At) -> Answer {
    read(&shard, move |shard| shard.show_event(position)).await
}

/// Checks first, so that an error has its own status; then searches.
async fn find(State(shard): Shared, headers: HeaderMap, body: Body) -> Answer {
    let request: FindRequest = body::json(&headers, body).await?;
    let query = shard.find_query(&request)?;
    let (sender, found) = mpsc::channel(FOUND);
    let search = move |shard: Arc<Shard>| {
        // Fails once the reader is gone.
        let send = |line| match sender.blocking_send(line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let done = shard.find_text(&query, &mut |view| send(FindLine::Found(Box::new(view))));
        let last = match done {
            Ok(end) => FindLine::End(end),
            Err(error) => {
                let problem = Refusal::from(error).into_problem();
                FindLine::Problem(serde_json::to_value(&problem).unwrap_or_default())
            }
        };
        let _ = send(last);
    };
    tokio::task::spawn_blocking(move || search(shard));
    Ok(lines::answer(found))
}

async fn send(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.send_event(&caller, body::json(&headers, body).await?).await)
}

async fn trace(State(shard): Shared, At(position): At) -> Answer {
    read(&shard, move |shard| shard.trace_event(position)).await
}
