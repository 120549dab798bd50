//! Routes about trusted publishers.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_app::shard::Shard;
use handoff_control::trust::{CHANGE, LIST};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&CHANGE, change);
}

async fn list(State(shard): Shared) -> Answer {
    read(&shard, Shard::list_trust).await
}

async fn change(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.change_trust(&caller, body::json(&headers, body).await?).await)
}
