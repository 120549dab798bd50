//! Routes about gates.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_app::shard::Shard;
use handoff_control::gates::{LIST, OPEN};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&OPEN, open);
}

async fn list(State(shard): Shared) -> Answer {
    read(&shard, Shard::list_gates).await
}

async fn open(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.open_gate(&caller, body::json(&headers, body).await?).await)
}
