//! Routes about outbox requests.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::extract::{Fields, RequestId};
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_control::outbox::{DISCARD, LIST, OutboxQuery, RELEASE, SHOW};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&RELEASE, release);
    routes.add(&DISCARD, discard);
}

async fn list(State(shard): Shared, Fields(query): Fields<OutboxQuery>) -> Answer {
    read(&shard, move |shard| shard.list_outbox(&query)).await
}

async fn show(State(shard): Shared, RequestId(id): RequestId) -> Answer {
    read(&shard, move |shard| shard.show_outbox_request(&id)).await
}

async fn release(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.release_outbox_requests(&caller, body::json(&headers, body).await?).await)
}

async fn discard(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.discard_outbox_requests(&caller, body::json(&headers, body).await?).await)
}
