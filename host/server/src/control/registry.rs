//! Routes about packages.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use http::{HeaderMap, StatusCode};

use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use crate::reply::View;
use handoff_app::shard::Shard;
use handoff_control::registry::PULL;
use handoff_control::registry::failure_counts;
use handoff_control::registry::packages::PUT;

/// Largest package: what the registry accepts.
const PACKAGE_BYTES_MAX: usize = handoff_package::package::PACKAGE_BYTES_MAX;
/// Time for a package's body.
const PACKAGE_TIME: Duration = Duration::from_secs(120);

pub(super) fn add(routes: &mut Routes) {
    routes.add(&PUT, put);
    routes.add(&PULL, pull);
    routes.add(&failure_counts::LIST, list_failure_counts);
    routes.add(&failure_counts::SEND, send_failure_counts);
}

async fn list_failure_counts(State(shard): Shared) -> Answer {
    read(&shard, Shard::list_failure_counts).await
}

async fn send_failure_counts(State(shard): Shared, Caller(_): Caller) -> Answer {
    ok(shard.send_failure_counts().await)
}

async fn put(State(shard): Shared, headers: HeaderMap, body: Body) -> Answer {
    let bytes = body::read_within(&headers, body, body::BodyLimit::fixed(PACKAGE_BYTES_MAX), PACKAGE_TIME).await?;
    let view = shard.put_package(bytes).await?;
    Ok(View(if view.known { StatusCode::OK } else { StatusCode::CREATED }, view).into_response())
}

async fn pull(State(shard): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.pull(body::json(&headers, body).await?).await)
}
