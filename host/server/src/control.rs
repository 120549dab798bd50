//! The control API: `/v1/*`. Every route is one operation of `handoff_control`, answered by the use case of the same
//! name. Decides nothing itself.

mod audit;
mod clock;
mod dead_letters;
mod events;
mod extract;
mod gates;
mod hooks;
mod host;
mod in_process;
mod incidents;
mod installations;
mod lines;
mod outbox;
mod registry;
mod routes;
mod shadow;
mod timers;
mod trust;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::console;
use crate::reply::{Refusal, View, unauthorized};
use crate::{bearer, no_method, no_route};
use handoff_app::error::AppError;
use handoff_app::shard::Shard;

pub use in_process::InProcessHost;

use routes::Routes;

type Answer = Result<Response, Refusal>;
type Shared = State<Arc<Shard>>;

/// All routes, for the Unix socket: every user who may open the file may use them.
pub fn router(shard: Arc<Shard>) -> Router {
    let mut routes = Routes::new(&shard);
    host::add(&mut routes);
    installations::add(&mut routes);
    shadow::add(&mut routes);
    events::add(&mut routes);
    gates::add(&mut routes);
    hooks::add(&mut routes);
    dead_letters::add(&mut routes);
    outbox::add(&mut routes);
    timers::add(&mut routes);
    incidents::add(&mut routes);
    audit::add(&mut routes);
    registry::add(&mut routes);
    trust::add(&mut routes);
    clock::add(&mut routes, &shard);
    routes.finish().fallback(no_route).method_not_allowed_fallback(no_method).with_state(shard)
}

/// All routes, for TCP: every request presents the control token. Beside them the console, where people sign in.
/// `is_secure`: browsers reach the listener over TLS.
pub fn tcp_router(shard: Arc<Shard>, is_secure: bool) -> Router {
    let api = router(shard.clone()).layer(middleware::from_fn_with_state(shard.clone(), check_token));
    let pages = console::router(shard, is_secure);
    // By hand, because each part answers unknown paths in its own way, and a route around the API would add its own
    // parameters to those of the API's paths.
    Router::new().fallback(move |request: Request| {
        let part = if is_of_api(request.uri().path()) { api.clone() } else { pages.clone() };
        part.oneshot(request)
    })
}

fn is_of_api(path: &str) -> bool {
    matches!(path, "/v1" | "/metrics" | "/openapi.json") || path.starts_with("/v1/")
}

async fn check_token(State(shard): Shared, mut request: Request, next: Next) -> Response {
    let process = shard.process();
    match bearer(request.headers()) {
        Some(token) if process.is_control_token(Some(token)).await => {
            let name = process.config().control.token_secret.as_deref().unwrap_or_default();
            request.extensions_mut().insert(Caller::token(name));
            next.run(request).await
        }
        Some(_) => unauthorized("the token is wrong").into_response(),
        None => unauthorized("expected `authorization: Bearer TOKEN`").into_response(),
    }
}

fn ok<T: Serialize>(done: Result<T, AppError>) -> Answer {
    Ok(View(http::StatusCode::OK, done?).into_response())
}

/// Runs a query that may wait for the disk outside the async threads, and answers with its result.
async fn read<T: Serialize + Send + 'static>(
    shard: &Arc<Shard>,
    query: impl FnOnce(&Shard) -> Result<T, AppError> + Send + 'static,
) -> Answer {
    ok(blocking(shard, query).await)
}

async fn blocking<T: Send + 'static>(
    shard: &Arc<Shard>,
    query: impl FnOnce(&Shard) -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    let shard = shard.clone();
    tokio::task::spawn_blocking(move || query(&shard))
        .await
        .unwrap_or_else(|error| Err(AppError::Internal(format!("a query broke off: {error}"))))
}
