//! Implements the engine's ports: the runtime loads connectors from the packages folder, and egress sends requests.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use handoff_egress::Egress;
use handoff_engine::{Code, CodeSource, LoadError, Outbound};
use handoff_model::call::{Call, Called};
use handoff_model::event::Event;
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response, SendOutcome};
use handoff_model::installation::GenerationContent;
use handoff_model::scope::Scope;
use handoff_runtime::{Prepared, Runtime, RuntimeError};

use crate::packages::{PackageError, Packages};

/// Loads components from the packages folder with the runtime.
pub(crate) struct Components {
    /// The runtime.
    pub(crate) runtime: Runtime,
    /// The stored components.
    pub(crate) packages: Packages,
}

impl CodeSource for Components {
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>> {
        async move {
            let (packages, digest) = (self.packages.clone(), content.digest.clone());
            let read = tokio::task::spawn_blocking(move || packages.get(&digest)).await;
            let bytes = read.unwrap_or_else(|_| Err(PackageError::Missing(content.digest.clone())));
            let bytes = bytes.map_err(|error| LoadError::new("package-unavailable", error))?;
            let prepared = self.runtime.prepare(&content.digest, &bytes).await;
            let prepared = prepared.map_err(|error: RuntimeError| LoadError::new(error.code(), error))?;
            Ok(Arc::new(Connector(prepared)) as Arc<dyn Code>)
        }
        .boxed()
    }
}

/// Compiled code behind the engine's port.
struct Connector(Prepared);

impl Code for Connector {
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called> {
        self.0.handle(call, event).boxed()
    }

    fn validate(&self, call: Call) -> BoxFuture<'_, Called> {
        self.0.validate(call).boxed()
    }

    fn migrate(&self, call: Call, from_schema: u32) -> BoxFuture<'_, Called> {
        self.0.migrate(call, from_schema).boxed()
    }
}

/// Egress behind the engine's port.
pub(crate) struct Out(pub(crate) Egress);

impl Outbound for Out {
    fn look_up<'a>(
        &'a self,
        from: &'a Scope,
        grants: &'a Grants,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Response, HttpError>> {
        self.0.look_up(from, grants, request).boxed()
    }

    fn send<'a>(
        &'a self,
        from: &'a Scope,
        grants: &'a Grants,
        request: &'a Request,
        idempotency_key: &'a str,
    ) -> BoxFuture<'a, SendOutcome> {
        self.0.send(from, grants, request, idempotency_key).boxed()
    }
}
