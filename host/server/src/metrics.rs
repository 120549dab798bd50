//! The metrics listener: `GET /metrics` and nothing else, so that a scraper needs no access to the control API.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::reply::{Refusal, unauthorized};
use crate::{bearer, no_method, no_route};
use handoff_app::host::metrics::METRICS_TYPE;
use handoff_app::shard::Shard;

/// The only route.
pub fn router(shard: Arc<Shard>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(no_method)
        .fallback(no_route)
        .with_state(shard)
}

async fn metrics(State(shard): State<Arc<Shard>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let token = bearer(&headers);
    if shard.process().is_metrics_token(token).await {
        return answer(&shard).await;
    }
    let detail = if token.is_some() { "the token is wrong" } else { "expected `authorization: Bearer TOKEN`" };
    Err(unauthorized(detail))
}

/// A scrape.
pub(super) async fn answer(shard: &Arc<Shard>) -> Result<Response, Refusal> {
    let text = shard.metrics().await?;
    Ok(([(CONTENT_TYPE, METRICS_TYPE)], text).into_response())
}
