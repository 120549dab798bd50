//! One operation of the control API: its name, method, path and types. Client, server and the API's document all use the same
//! definition, which stands beside the types of its noun.

use std::marker::PhantomData;
use std::time::Duration;

/// Time for an answer that only reads.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for an answer that compiles a component (at most 120 s in the host) and runs its checks.
pub const CHANGE_TIMEOUT: Duration = Duration::from_secs(300);

/// An operation with a query `Q`, a body `B` and an answer `A`; [`Nothing`] where there is none.
#[derive(Debug)]
pub struct Operation<Q, B, A> {
    /// `listDeadLetters`: the same word as the use case and the command, for programs.
    pub name: &'static str,
    /// How it is asked for.
    pub method: Method,
    /// With parameters in braces: `/v1/events/{position}`.
    pub path: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Whether it also works while the host is stopped, on the data folder.
    pub works_offline: bool,
    /// How long a client waits for the answer.
    pub timeout: Duration,
    /// The form of the body, if there is one.
    pub body: Media,
    /// The form of the answer.
    pub answer: Media,
    types: PhantomData<fn(Q, B) -> A>,
}

/// An operation that reads.
pub type Get<Q, A> = Operation<Q, Nothing, A>;
/// An operation that changes something, or runs something.
pub type Post<B, A> = Operation<Nothing, B, A>;

/// No query, or no body.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Nothing {}

/// HTTP methods of the control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes or runs something.
    Post,
    /// Keeps something under the name that its content gives it.
    Put,
}

/// Forms of bodies and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// One JSON value.
    Json,
    /// One JSON value a line, as they come.
    JsonLines,
    /// A WebAssembly component.
    Wasm,
    /// OpenMetrics text.
    OpenMetrics,
}

impl Media {
    /// The media type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Wasm => "application/wasm",
            Self::OpenMetrics => "application/openmetrics-text",
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

    /// The same, also while the host is stopped.
    #[must_use]
    pub const fn works_offline(mut self) -> Self {
        self.works_offline = true;
        self
    }

    /// The same with another time to wait.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same with a body of another form.
    #[must_use]
    pub const fn body(mut self, body: Media) -> Self {
        self.body = body;
        self
    }

    /// The same with an answer of another form.
    #[must_use]
    pub const fn answer(mut self, answer: Media) -> Self {
        self.answer = answer;
        self
    }
}

impl<Q, A> Operation<Q, Nothing, A> {
    /// An operation that reads.
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

    /// An operation that keeps something.
    #[must_use]
    pub const fn put(name: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::Put, name, path, summary)
    }
}
