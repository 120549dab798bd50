//! Routes about events.

use axum::extract::State;

use super::extract::{At, Fields};
use super::routes::Routes;
use super::{Answer, Shared, read};
use handoff_control::events::{EventQuery, LIST, SHOW, TRACE};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&TRACE, trace);
}

async fn list(State(shard): Shared, Fields(query): Fields<EventQuery>) -> Answer {
    read(&shard, move |shard| shard.list_events(&query)).await
}

async fn show(State(shard): Shared, At(position): At) -> Answer {
    read(&shard, move |shard| shard.show_event(position)).await
}

async fn trace(State(shard): Shared, At(position): At) -> Answer {
    read(&shard, move |shard| shard.trace_event(position)).await
}
