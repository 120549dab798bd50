//! The control API: `/v1/*`. Every route is one call of the application; reading routes run off the async threads.

mod packages;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{bearer, body, no_method, no_route};
use crate::reply::{Refusal, View, unauthorized};
use handoff_app::error::AppError;
use handoff_app::host::Host;
use handoff_app::queries;
use handoff_control::logs::LogQuery;
use handoff_control::outbox::OutboxId;
use handoff_model::names::{InstallationName, Position};

/// Largest package: what the registry takes.
const PACKAGE_BYTES_MAX: usize = handoff_package::package::PACKAGE_BYTES_MAX;
/// Time for a package's body.
const PACKAGE_TIME: Duration = Duration::from_secs(120);
/// Longest wait for a log message.
const LOG_WAIT_MS_MAX: u64 = 30_000;
/// How often a waiting log request looks. People read what comes of it.
const LOG_LOOK_EVERY: Duration = Duration::from_millis(200);

type Answer = Result<Response, Refusal>;
type Shared = State<Arc<Host>>;

/// All routes, for the Unix socket: who may open the file may use them.
pub fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/packages", put(put_package))
        .route("/v1/packages/pull", post(packages::pull))
        .route("/v1/trust", get(packages::trust).post(packages::change_trust))
        .route("/v1/lock", get(packages::lock))
        .route("/v1/apply", post(packages::apply))
        .route("/v1/installations", get(installations).post(install))
        .route("/v1/installations/{name}", get(installation))
        .route("/v1/installations/{name}/upgrade", post(upgrade))
        .route("/v1/installations/{name}/rollback", post(rollback))
        .route("/v1/installations/{name}/history", get(history))
        .route("/v1/installations/{name}/shadow", post(shadow))
        .route("/v1/installations/{name}/pause", post(pause))
        .route("/v1/installations/{name}/resume", post(resume))
        .route("/v1/audit", get(audit))
        .route("/v1/audit/verify", get(verify_audit))
        .route("/v1/events", get(events))
        .route("/v1/events/{position}", get(event))
        .route("/v1/events/{position}/trace", get(trace))
        .route("/v1/events/{position}/replay", post(replay))
        .route("/v1/dead-letters", get(dead_letters))
        .route("/v1/dead-letters/redrive", post(redrive))
        .route("/v1/dead-letters/discard", post(discard))
        .route("/v1/logs", get(logs))
        .route("/v1/outbox", get(outbox))
        .route("/v1/outbox/{installation}/{position}", get(outbox_request))
        .route("/v1/incidents", get(incidents))
        .route("/v1/incidents/{id}/close", post(close_incident))
        .route("/v1/outbox/release", post(release_held))
        .route("/v1/outbox/discard", post(discard_held))
        .route("/v1/metrics", get(metrics))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(host)
}

/// All routes, for TCP: every request shows the control token.
pub fn router_with_token(host: Arc<Host>) -> Router {
    router(host.clone()).layer(middleware::from_fn_with_state(host, check_token))
}

async fn check_token(State(host): Shared, request: Request, next: Next) -> Response {
    match bearer(request.headers()) {
        Some(token) if host.is_control_token(Some(token)).await => next.run(request).await,
        Some(_) => unauthorized("the token is wrong").into_response(),
        None => unauthorized("expected `authorization: Bearer TOKEN`").into_response(),
    }
}

async fn status(State(host): Shared) -> Answer {
    reading(&host, |host| Ok(queries::status::status(host.store(), &host.live(), host.clock().now()))).await
}

async fn installations(State(host): Shared) -> Answer {
    reading(&host, |host| Ok(queries::installations::installations(host.store(), &host.live()))).await
}

async fn installation(State(host): Shared, Name(name): Name) -> Answer {
    reading(&host, move |host| queries::installations::installation(host.store(), host.config(), &host.live(), &name))
        .await
}

async fn events(State(host): Shared, Fields(query): Fields<handoff_control::events::EventQuery>) -> Answer {
    reading(&host, move |host| queries::events::events(host.store(), &query)).await
}

async fn event(State(host): Shared, Place(position): Place) -> Answer {
    reading(&host, move |host| queries::events::event(host.store(), position)).await
}

async fn trace(State(host): Shared, Place(position): Place) -> Answer {
    reading(&host, move |host| queries::trace::trace(host.store(), position)).await
}

async fn dead_letters(
    State(host): Shared,
    Fields(query): Fields<handoff_control::dead_letters::DeadLetterQuery>,
) -> Answer {
    reading(&host, move |host| queries::dead_letters::dead_letters(host.store(), &query)).await
}

async fn outbox(State(host): Shared, Fields(query): Fields<handoff_control::outbox::OutboxQuery>) -> Answer {
    reading(&host, move |host| queries::outbox::outbox(host.store(), &query)).await
}

async fn outbox_request(
    State(host): Shared,
    axum::extract::Path((installation, position)): axum::extract::Path<(String, String)>,
) -> Answer {
    let text = format!("{installation}/{position}");
    let id: OutboxId = text.parse().map_err(|_| {
        let name = super::printable(&text);
        invalid("id", format!("`{name}` is not an outbox request: expected installation/position"))
    })?;
    reading(&host, move |host| host.outbox_request(&id)).await
}

async fn logs(State(host): Shared, Fields(mut query): Fields<LogQuery>) -> Answer {
    let wait = Duration::from_millis(query.wait_ms.unwrap_or(0).min(LOG_WAIT_MS_MAX));
    let until = tokio::time::Instant::now() + wait;
    loop {
        let asked = query.clone();
        let list = blocking(&host, move |host| queries::logs::logs(host.store(), &asked)).await?;
        if !list.lines.is_empty() || list.missed || tokio::time::Instant::now() >= until {
            return Ok(View(StatusCode::OK, list).into_response());
        }
        query.after = Some(list.next);
        while !queries::logs::is_past(host.store(), list.next) && tokio::time::Instant::now() < until {
            tokio::time::sleep_until(until.min(tokio::time::Instant::now() + LOG_LOOK_EVERY)).await;
        }
    }
}

async fn incidents(State(host): Shared) -> Answer {
    reading(&host, |host| queries::incidents::incidents(host.store())).await
}

async fn close_incident(
    State(host): Shared,
    axum::extract::Path(id): axum::extract::Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let change = body::json(&headers, body).await?;
    ok(queries::incidents::close(host.store(), &id, change, host.clock().now()).await)
}

async fn metrics(State(host): Shared) -> Answer {
    let text = blocking(&host, |host| queries::metrics::open_metrics(host.store(), &host.live())).await?;
    Ok(([(CONTENT_TYPE, queries::metrics::CONTENT_TYPE)], text).into_response())
}

async fn put_package(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    let bytes = body::read_within(&headers, body, PACKAGE_BYTES_MAX, PACKAGE_TIME).await?;
    let view = host.put_package(bytes).await?;
    Ok(View(if view.known { StatusCode::OK } else { StatusCode::CREATED }, view).into_response())
}

async fn install(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.install(body::json(&headers, body).await?).await)
}

async fn upgrade(State(host): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    ok(host.upgrade(&name, body::json(&headers, body).await?).await)
}

async fn history(State(host): Shared, Name(name): Name) -> Answer {
    reading(&host, move |host| queries::history::history(host.store(), &name)).await
}

async fn audit(State(host): Shared, Fields(query): Fields<handoff_control::history::AuditQuery>) -> Answer {
    reading(&host, move |host| queries::history::audit(host.store(), &query)).await
}

async fn verify_audit(
    State(host): Shared,
    Fields(query): Fields<handoff_control::history::AuditVerifyQuery>,
) -> Answer {
    reading(&host, move |host| queries::history::verify_audit(host.store(), &query)).await
}

async fn rollback(State(host): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    ok(host.rollback(&name, body::json(&headers, body).await?).await)
}

async fn shadow(State(host): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    super::shadow::shadow(host, &name, &headers, body).await
}

async fn replay(State(host): Shared, Place(position): Place, headers: HeaderMap, body: Body) -> Answer {
    Ok(View(StatusCode::OK, super::shadow::replay(&host, position, &headers, body).await?).into_response())
}

async fn pause(State(host): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    set_paused(&host, &name, true, &headers, body).await
}

async fn resume(State(host): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    set_paused(&host, &name, false, &headers, body).await
}

async fn set_paused(host: &Host, name: &InstallationName, pause: bool, headers: &HeaderMap, body: Body) -> Answer {
    let change = body::json(headers, body).await?;
    let before = host.store().installation(name).ok_or_else(|| AppError::no_installation(name))?;
    let view = host.set_paused(name, pause, change).await?;
    let changed = before.paused.is_some() != view.summary.paused.is_some();
    let report = handoff_control::installations::PauseReport { installation: view.summary, changed };
    Ok(View(StatusCode::OK, report).into_response())
}

async fn redrive(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.redrive(body::json(&headers, body).await?).await)
}

async fn discard(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.discard(body::json(&headers, body).await?).await)
}

async fn release_held(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.release_held(body::json(&headers, body).await?).await)
}

async fn discard_held(State(host): Shared, headers: HeaderMap, body: Body) -> Answer {
    ok(host.discard_held(body::json(&headers, body).await?).await)
}

fn ok<T: Serialize>(done: Result<T, AppError>) -> Answer {
    Ok(View(StatusCode::OK, done?).into_response())
}

async fn reading<T: Serialize + Send + 'static>(
    host: &Arc<Host>,
    query: impl FnOnce(&Host) -> Result<T, AppError> + Send + 'static,
) -> Answer {
    ok(blocking(host, query).await)
}

/// Runs a query where it may wait for the disk.
async fn blocking<T: Send + 'static>(
    host: &Arc<Host>,
    query: impl FnOnce(&Host) -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    let host = host.clone();
    tokio::task::spawn_blocking(move || query(&host))
        .await
        .unwrap_or_else(|error| Err(AppError::Internal(format!("a query broke off: {error}"))))
}

/// The installation in the path.
struct Name(InstallationName);

/// The position in the path.
struct Place(Position);

/// The query string; unknown fields are refused.
struct Fields<T>(T);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Refusal> {
        let text = path_part(parts, state).await?;
        text.parse().map(Self).map_err(|error: handoff_model::names::NameError| invalid("name", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Refusal> {
        let text = path_part(parts, state).await?;
        let wrong =
            |_| invalid("position", format!("`{}` is not a position: expected a number", super::printable(&text)));
        text.parse().map(|number| Self(Position(number))).map_err(wrong)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Fields<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Refusal> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(fields)) => Ok(Self(fields)),
            Err(error) => Err(invalid("query", format!("the query string is not usable: {}", error.body_text()))),
        }
    }
}

/// The one variable part of the path.
async fn path_part<S: Send + Sync>(parts: &mut http::request::Parts, state: &S) -> Result<String, Refusal> {
    match axum::extract::Path::<String>::from_request_parts(parts, state).await {
        Ok(path) => Ok(path.0),
        Err(error) => Err(invalid("path", error.body_text())),
    }
}

fn invalid(field: &str, detail: String) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not usable", detail).at_field(field)
}
