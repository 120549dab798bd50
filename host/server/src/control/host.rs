//! Routes about the host as a whole: its status, metrics and logs, and the API's OpenAPI document.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::extract::Fields;
use super::routes::Routes;
use super::{Answer, Shared, blocking, ok, read};
use crate::body;
use crate::caller::Caller;
use crate::metrics as scrape;
use crate::reply::View;
use handoff_control::host::backup::BACK_UP;
use handoff_control::host::logs::{self, LogQuery};
use handoff_control::host::status::{METRICS, SHOW};
use handoff_control::openapi;

/// Longest wait for a log message.
const LOG_WAIT_MS_MAX: u64 = 30_000;
/// How often a waiting log request checks for messages; people read the answers.
const LOG_LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) fn add(routes: &mut Routes) {
    routes.add(&SHOW, status);
    routes.add(&METRICS, metrics);
    routes.add(&logs::LIST, list_logs);
    routes.add(&BACK_UP, back_up);
    routes.document("/openapi.json", get(document));
}

async fn status(State(shard): Shared) -> Answer {
    read(&shard, |shard| Ok(shard.status())).await
}

async fn metrics(State(shard): Shared) -> Answer {
    scrape::answer(&shard).await
}

async fn list_logs(State(shard): Shared, Fields(mut query): Fields<LogQuery>) -> Answer {
    let wait = Duration::from_millis(query.wait_ms.unwrap_or(0).min(LOG_WAIT_MS_MAX));
    if !wait.is_zero() {
        shard.require_running()?;
    }
    let until = Instant::now() + wait;
    loop {
        let asked = query.clone();
        let list = blocking(&shard, move |shard| shard.list_logs(&asked)).await?;
        if !list.lines.is_empty() || list.missed || Instant::now() >= until {
            return Ok(View(StatusCode::OK, list).into_response());
        }
        query.after = Some(list.next);
        while !shard.has_logged_after(list.next) && Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + LOG_LOOK_EVERY)).await;
        }
    }
}

async fn back_up(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.back_up(&caller, body::json(&headers, body).await?).await)
}

async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document(env!("CARGO_PKG_VERSION")))
}
