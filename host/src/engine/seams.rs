//! What the engine calls and does not own: the code of generations and the way out, each behind a narrow trait.
//!
//! Production has one implementation of each, below; the simulation in `engine/tests` has the other. Nothing is decided here.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::egress::{Egress, SendOutcome};
use crate::model::event::Event;
use crate::model::grants::Grants;
use crate::model::http::{HttpError, Request, Response};
use crate::model::installation::GenerationContent;
use crate::runtime::{Call, Called, Prepared, Runtime};

use super::generations::LoadError;
use super::packages::{PackageError, Packages};

/// The code of a generation, ready to be called.
pub trait Code: Send + Sync {
    /// Hands an event to it. The call has no effects yet: they come back as data.
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called>;

    /// Asks whether its config is usable. The effects that come back are empty.
    fn validate(&self, call: Call) -> BoxFuture<'_, Called>;

    /// Has state of an older schema rewritten. The effects that come back are writes of state alone.
    fn migrate(&self, call: Call, from_schema: u32) -> BoxFuture<'_, Called>;
}

/// Makes the code of generations ready.
pub trait CodeSource: Send + Sync {
    /// Takes milliseconds to minutes; the engine keeps what comes of it.
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>>;
}

/// Sends requests, within an installation's grants.
pub trait WayOut: Send + Sync {
    /// A look-up during a delivery.
    fn look_up<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>>;

    /// One attempt at an outbox request.
    fn send<'a>(
        &'a self,
        grants: &'a Grants,
        request: &'a Request,
        idempotency_key: &'a str,
    ) -> BoxFuture<'a, SendOutcome>;
}

/// Components from the packages folder, made ready by the runtime.
pub struct Components {
    /// The runtime.
    pub runtime: Runtime,
    /// Where components are kept.
    pub packages: Packages,
}

impl CodeSource for Components {
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>> {
        async move {
            let (packages, digest) = (self.packages.clone(), content.digest.clone());
            let read = tokio::task::spawn_blocking(move || packages.get(&digest)).await;
            let bytes = read.unwrap_or_else(|_| Err(PackageError::Missing(content.digest.clone())))?;
            let prepared: Arc<dyn Code> = Arc::new(self.runtime.prepare(&content.digest, &bytes).await?);
            Ok(prepared)
        }
        .boxed()
    }
}

impl Code for Prepared {
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called> {
        Self::handle(self, call, event).boxed()
    }

    fn validate(&self, call: Call) -> BoxFuture<'_, Called> {
        Self::validate(self, call).boxed()
    }

    fn migrate(&self, call: Call, from_schema: u32) -> BoxFuture<'_, Called> {
        Self::migrate(self, call, from_schema).boxed()
    }
}

impl WayOut for Egress {
    fn look_up<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        Self::look_up(self, grants, request).boxed()
    }

    fn send<'a>(
        &'a self,
        grants: &'a Grants,
        request: &'a Request,
        idempotency_key: &'a str,
    ) -> BoxFuture<'a, SendOutcome> {
        Self::send(self, grants, request, idempotency_key).boxed()
    }
}
