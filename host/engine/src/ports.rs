//! What the engine calls but does not own: the code of generations and outgoing requests, each behind a narrow trait.
//!
//! `app` implements them with the runtime and egress; the simulation in this crate's tests simulates them. Nothing is
//! decided here.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use handoff_model::call::{Call, Called};
use handoff_model::event::Event;
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response, SendOutcome};
use handoff_model::installation::GenerationContent;
use handoff_model::scope::Scope;

/// Why a generation cannot run.
#[derive(Debug)]
pub struct LoadError {
    code: &'static str,
    reason: Box<dyn std::error::Error + Send + Sync>,
}

impl LoadError {
    /// A reason with a stable kebab-case code for programs.
    pub fn new(code: &'static str, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// A stable kebab-case code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.reason.source()
    }
}

/// The code of a generation, ready to be called.
pub trait Code: Send + Sync {
    /// Passes an event to it. The call has no effects yet: they are returned as data.
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called>;

    /// Asks whether its config is usable. The returned effects are empty.
    fn validate(&self, call: Call) -> BoxFuture<'_, Called>;

    /// Migrates state of an older schema. The returned effects are state writes only.
    fn migrate(&self, call: Call, from_schema: u32) -> BoxFuture<'_, Called>;
}

/// Loads the code of generations.
pub trait CodeSource: Send + Sync {
    /// Takes milliseconds to minutes; the engine keeps the result.
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>>;
}

/// Sends requests, within an installation's grants. `from` is the installation's scope: credentials may be limited to it.
pub trait Outbound: Send + Sync {
    /// A look-up during a delivery.
    fn look_up<'a>(
        &'a self,
        from: &'a Scope,
        grants: &'a Grants,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Response, HttpError>>;

    /// One attempt at an outbox request.
    fn send<'a>(
        &'a self,
        from: &'a Scope,
        grants: &'a Grants,
        request: &'a Request,
        idempotency_key: &'a str,
    ) -> BoxFuture<'a, SendOutcome>;
}
