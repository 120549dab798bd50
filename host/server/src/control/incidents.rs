//! Routes about incidents.

use axum::body::Body;
use axum::extract::{Path, State};
use http::HeaderMap;

use super::extract::Fields;
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_control::incidents::{CLOSE, IncidentQuery, LIST};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&CLOSE, close);
}

async fn list(State(shard): Shared, Fields(query): Fields<IncidentQuery>) -> Answer {
    read(&shard, move |shard| shard.list_incidents(&query)).await
}

async fn close(
    State(shard): Shared,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.close_incident(&caller, &id, body::json(&headers, body).await?).await)
}
