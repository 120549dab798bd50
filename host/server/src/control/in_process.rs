//! The control API of a stopped host, answered in process: the same routes over its open data folder.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::caller::Caller;
use handoff_app::shard::Shard;
use handoff_control::client::InProcess;

/// A data folder whose host is stopped.
pub struct InProcessHost(Router);

impl InProcessHost {
    /// The routes over an open data folder.
    #[must_use]
    pub fn new(shard: Arc<Shard>) -> Self {
        Self(super::router(shard))
    }
}

impl InProcess for InProcessHost {
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'_, http::Response<Bytes>> {
        async move {
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(Caller::of_this_process());
            let answered = self.0.clone().oneshot(request).await;
            // The router's error type has no values.
            let (head, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            http::Response::from_parts(head, body)
        }
        .boxed()
    }
}
