//! The console: pages over the same use cases as the control API, on its TCP listener beside `/v1`. Holds no rule of its
//! own. Every page is complete without script. `components` holds what pages are composed of; each page's template lies
//! beside its code.

mod assets;
mod audit;
mod components;
mod dead_letters;
mod events;
mod find;
mod frame;
mod guard;
mod held;
mod host;
mod incidents;
mod installations;
mod overview;
mod refusal;
mod request;
mod rollback;
mod session;
mod sign_in;
mod trace;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::reply::Refusal;
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use refusal::PageRefusal;
use session::Sessions;

/// What all pages share.
pub(crate) struct Console {
    shard: Arc<Shard>,
    sessions: Sessions,
}

type Shared = State<Arc<Console>>;
type Answer = Result<Response, PageRefusal>;

/// All pages. `is_secure`: browsers reach them over TLS, so the session's cookie must not travel without it.
pub(crate) fn router(shard: Arc<Shard>, is_secure: bool) -> Router {
    let console = Arc::new(Console { shard, sessions: Sessions::new(is_secure) });
    let pages = Router::new()
        .route("/", get(overview::show))
        .route("/installations", get(installations::list))
        .route("/installations/{name}", get(installations::show))
        .route("/installations/{name}/pause", post(installations::pause))
        .route("/installations/{name}/resume", post(installations::resume))
        .route("/installations/{name}/retry-now", post(installations::retry_now))
        .route("/installations/{name}/rollback", get(rollback::forecast).post(rollback::roll_back))
        .route("/find", get(find::show).post(find::search))
        .route("/events", get(events::list))
        .route("/events/{position}", get(events::show))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/redrive", get(dead_letters::preview_redrive).post(dead_letters::redrive))
        .route("/dead-letters/discard", get(dead_letters::preview_discard).post(dead_letters::discard))
        .route("/held", get(held::list))
        .route("/held/release", get(held::preview_release).post(held::release))
        .route("/held/discard", get(held::preview_discard).post(held::discard))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}/close", post(incidents::close))
        .route("/audit", get(audit::list))
        .route("/host", get(host::show))
        .route("/sign-out", post(sign_in::out))
        .fallback(refusal::no_page)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(console.clone(), guard::require_session));
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/assets/{digest}/{name}", get(assets::serve))
        .merge(pages)
        .layer(middleware::from_fn(guard::same_origin))
        .layer(middleware::from_fn(guard::protect))
        .with_state(console)
}

async fn no_method() -> PageRefusal {
    let detail = "This address takes forms only. Go back, and use the page's button.";
    PageRefusal(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not a page to open", detail))
}

impl Console {
    /// Runs queries that may wait for the disk outside the async threads.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Shard) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, PageRefusal> {
        let shard = self.shard.clone();
        let read = tokio::task::spawn_blocking(move || query(&shard)).await;
        let broken = |error: tokio::task::JoinError| Err(AppError::Internal(format!("a page broke off: {error}")));
        read.unwrap_or_else(broken).map_err(PageRefusal::from)
    }
}

/// A page.
fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let mut response = (status, text).into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response
        }
        Err(error) => Refusal::from(AppError::Internal(format!("a page cannot be written: {error}"))).into_response(),
    }
}

fn ok(page: &impl Template) -> Answer {
    Ok(html(StatusCode::OK, page))
}
