//! Creates routes from operations. While the host is stopped, operations that need a running host answer so.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::reply::Refusal;
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::host::status::HostState;
use handoff_control::operation::{Method, Operation};

/// The routes so far.
pub(super) struct Routes {
    router: Router<Arc<Shard>>,
    is_stopped: bool,
}

impl Routes {
    pub(super) fn new(shard: &Shard) -> Self {
        Self { router: Router::new(), is_stopped: shard.state() == HostState::Stopped }
    }

    /// Adds the route of an operation.
    pub(super) fn add<Q, B, A, T: 'static>(
        &mut self,
        operation: &Operation<Q, B, A>,
        handler: impl Handler<T, Arc<Shard>>,
    ) {
        let method = match operation.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
        };
        let route = if self.is_stopped && !operation.works_offline {
            on(method, || async { Refusal::from(AppError::HostStopped) })
        } else {
            on(method, handler)
        };
        let router = std::mem::take(&mut self.router);
        self.router = router.route(operation.path, route);
    }

    /// Adds a route that is not an operation: the API's OpenAPI document.
    pub(super) fn document(&mut self, path: &str, route: MethodRouter<Arc<Shard>>) {
        let router = std::mem::take(&mut self.router);
        self.router = router.route(path, route);
    }

    pub(super) fn finish(self) -> Router<Arc<Shard>> {
        self.router
    }
}
