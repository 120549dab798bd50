//! An operation of the control API: its name, method, path and types. Client, server and the OpenAPI document use the
//! same definition, which is next to the types of its noun.

use std::marker::PhantomData;
use std::time::Duration;

/// Timeout for a response that only reads.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for a response that compiles a component (at most 120 s in the host) and runs its checks.
pub const CHANGE_TIMEOUT: Duration = Duration::from_secs(300);

/// An operation with a query `Q`, a body `B` and a response `A`. Unused types are [`Nothing`].
#[derive(Debug)]
pub struct Operation<Q, B, A> {
    /// The name for programs, for example `listDeadLetters`: the same words as the use case and the command.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with parameters in braces: `/v1/events/{position}`.
    pub path: &'static str,
    /// A description in one sentence.
    pub summary: &'static str,
    /// Whether it also works on the data folder of a stopped host.
    pub works_offline: bool,
    /// How long a client waits for the response.
    pub timeout: Duration,
    /// The media type of the body, if there is one.
    pub body: Media,
    /// The media type of the response.
    pub answer: Media,
    types: PhantomData<fn(Q, B) -> A>,
}

/// A read operation.
pub type Get<Q, A> = Operation<Q, Nothing, A>;
/// An operation that changes or runs something.
pub type Post<B, A> = Operation<Nothing, B, A>;

/// An empty query or body.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Nothing {}

/// HTTP methods of the control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes or runs something.
    Post,
    /// Stores content under its digest.
    Put,
}

/// Media types of bodies and responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// A single JSON value.
    Json,
    /// One JSON value per line, as a stream.
    JsonLines,
    /// A WebAssembly component.
    Wasm,
    /// Text; for metrics, in the format of Prometheus.
    Text,
}

impl Media {
    /// The name of the media type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Wasm => "application/wasm",
            Self::Text => "text/plain",
        }
    }
}

impl<Q, B, A> Operation<Q, B, A> {
    const fn new(method: Method, name: &'static str, path: &'static str, summary: &'static str) -> Self {
        let timeout = match method {
            Method::Get => READ_TIMEOUT,
            Method::Post | Method::Put => CHANGE_TIMEOUT,
        };
        let (body, answer) = (Media::Json, Media::Json);
        Self { name, method, path, summary, works_offline: false, timeout, body, answer, types: PhantomData }
    }

    /// Makes the operation available while the host is stopped.
    #[must_use]
    pub const fn works_offline(mut self) -> Self {
        self.works_offline = true;
        self
    }

    /// Sets another timeout.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets another media type for the body.
    #[must_use]
    pub const fn body(mut self, body: Media) -> Self {
        self.body = body;
        self
    }

    /// Sets another media type for the response.
    #[must_use]
    pub const fn answer(mut self, answer: Media) -> Self {
        self.answer = answer;
        self
    }
}

impl<Q, A> Operation<Q, Nothing, A> {
    /// A read operation.
    #[must_use]
    pub const fn get(name: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Get, name, path, summary)
    }
}

impl<B, A> Operation<Nothing, B, A> {
    /// An operation that changes or runs something.
    #[must_use]
    pub const fn post(name: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Post, name, path, summary)
    }

    /// An operation that stores content.
    #[must_use]
    pub const fn put(name: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Put, name, path, summary)
    }
}
