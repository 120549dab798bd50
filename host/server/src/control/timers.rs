//! Routes about timers.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::extract::Fields;
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_control::timers::{FIRE, LIST, TimerQuery};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&FIRE, fire);
}

async fn list(State(shard): Shared, Fields(query): Fields<TimerQuery>) -> Answer {
    read(&shard, move |shard| shard.list_timers(&query)).await
}

async fn fire(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.fire_timer(&caller, body::json(&headers, body).await?).await)
}
