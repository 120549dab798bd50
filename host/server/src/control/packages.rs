//! Routes about where packages come from: registries, trust, and a whole host as a lock.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::{Answer, Shared, ok, reading};
use crate::body;
use handoff_app::{lock, trust};

pub(super) async fn pull(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.pull(body::json(&headers, body).await?).await)
}

pub(super) async fn trust(State(host): Shared) -> Answer {
    reading(&host, |host| trust::trust(host.store())).await
}

pub(super) async fn change_trust(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.change_trust(body::json(&headers, body).await?).await)
}

pub(super) async fn lock(State(host): Shared) -> Answer {
    reading(&host, |host| lock::lock(host.store())).await
}

pub(super) async fn apply(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.apply(body::json(&headers, body).await?).await)
}
