//! Routes about hooks.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::extract::Name;
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_app::shard::Shard;
use handoff_control::hooks::{LIST, SEND, SHOW};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&SEND, send);
}

async fn list(State(shard): Shared) -> Answer {
    read(&shard, Shard::list_hooks).await
}

async fn show(State(shard): Shared, Name(name): Name) -> Answer {
    read(&shard, move |shard| shard.show_hook(&name)).await
}

async fn send(
    State(shard): Shared,
    Name(name): Name,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.send_hook(&caller, &name, body::json(&headers, body).await?).await)
}
