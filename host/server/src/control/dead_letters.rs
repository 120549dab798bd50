//! Routes about dead letters.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::extract::Fields;
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_control::dead_letters::{CAUSES, CauseQuery, DISCARD, DeadLetterQuery, LIST, REDRIVE, SET_ASIDE};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&CAUSES, list_causes);
    routes.add(&REDRIVE, redrive);
    routes.add(&DISCARD, discard);
    routes.add(&SET_ASIDE, set_aside);
}

async fn list(State(shard): Shared, Fields(query): Fields<DeadLetterQuery>) -> Answer {
    read(&shard, move |shard| shard.list_dead_letters(&query)).await
}

async fn list_causes(State(shard): Shared, Fields(query): Fields<CauseQuery>) -> Answer {
    read(&shard, move |shard| shard.list_dead_letter_causes(&query)).await
}

async fn redrive(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.redrive_dead_letters(&caller, body::json(&headers, body).await?).await)
}

async fn discard(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.discard_dead_letters(&caller, body::json(&headers, body).await?).await)
}

async fn set_aside(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.set_aside(&caller, body::json(&headers, body).await?).await)
}
