//! HTTP messages (RFC 9110), look-up errors and outbox requests. It does no network access: the host does.

use crate::Failure;
use crate::connector::parse_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An HTTP request. The host checks host, method, path and auth profile against manifest and grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute `https` URL (`http` where granted), without user info or fragment.
    pub url: String,
    /// At most 64 fields, 16 KiB in total. `authorization`, `cookie`, `idempotency-key` and hop-by-hop fields are
    /// reserved for the host and refused.
    pub headers: Vec<(String, String)>,
    /// At most 1 MiB.
    pub body: Option<Vec<u8>>,
    /// Name of an auth profile; the host adds the credentials and the connector never sees them.
    pub auth: Option<String>,
    /// Time limit of the whole exchange, in milliseconds; the default is the host's (10 s).
    pub timeout_ms: Option<u32>,
}

impl Request {
    /// A request with any of the six methods.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), ..Self::default() }
    }

    /// A `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `HEAD` request.
    pub fn head(url: impl Into<String>) -> Self {
        Self::new("HEAD", url)
    }

    /// A `POST` request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A `PUT` request.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// A `PATCH` request.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// A `DELETE` request.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Appends segments to the path of the URL, each percent-encoded: text of an event cannot add a `/` or a query.
    ///
    /// The host refuses a segment that is `.`, `..` or contains `/` or `\`, and the SDK rejects the event for it.
    #[must_use]
    pub fn path<S: AsRef<str>>(mut self, segments: impl IntoIterator<Item = S>) -> Self {
        let query = self.url.find(['?', '#']).unwrap_or(self.url.len());
        let rest = self.url.split_off(query);
        for segment in segments {
            if !self.url.ends_with('/') {
                self.url.push('/');
            }
            for byte in segment.as_ref().bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    self.url.push(char::from(byte));
                } else {
                    self.url.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        self.url.push_str(&rest);
        self
    }

    /// Sets a JSON body and its `content-type`.
    ///
    /// # Errors
    /// Rejects as `not-json` if the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::reject("not-json", format!("body of {} {}: {error}", self.method, self.url)))?;
        self.body = Some(body);
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        Ok(self.header("content-type", "application/json"))
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Names the auth profile whose credentials the host adds.
    #[must_use]
    pub fn auth(mut self, profile: impl Into<String>) -> Self {
        self.auth = Some(profile.into());
        self
    }

    /// Sets the time limit of the whole exchange, in milliseconds.
    #[must_use]
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }
}

/// An HTTP response with a body of at most 4 MiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// `retry` with the code `invalid-answer`, naming the field: often a proxy sends an error page instead of the
    /// response for a while. If the target keeps doing this, the delivery becomes a dead letter.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse_json(&self.body).map_err(|problem| {
            Failure::retry("invalid-answer", format!("body of the answer with status {}{problem}", self.status))
        })
    }

    /// The first header field with a name, case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An outbox request: sent after the commit, with retries until it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRequest {
    /// 1 to 256 bytes; identifies the request within this installation, permanently. Derive it from the meaning of the
    /// request (`lead-L-42-create`), never from the clock.
    pub key: String,
    /// The request.
    pub request: Request,
    /// Whether to deliver the outcome to this installation as `com.handoff.outbox.answered.v1`.
    pub answer: bool,
    /// Partition key of that answer.
    pub partition_key: Option<String>,
}

impl OutboxRequest {
    /// A request with a key, without an answer event.
    pub fn new(key: impl Into<String>, request: Request) -> Self {
        Self { key: key.into(), request, answer: false, partition_key: None }
    }

    /// Sets whether the outcome is delivered as an event.
    #[must_use]
    pub fn answer(mut self, answer: bool) -> Self {
        self.answer = answer;
        self
    }

    /// Orders the answer among other events with the key.
    #[must_use]
    pub fn partition_key(mut self, key: impl Into<String>) -> Self {
        self.partition_key = Some(key.into());
        self
    }
}

/// Why an effect was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// Manifest or grants do not allow the event type, host, method, path or auth profile.
    #[error("not granted: {0}")]
    Denied(String),
    /// A field is invalid; the text names it.
    #[error("invalid: {0}")]
    Invalid(String),
    /// At most 1,000 events, 100 timers and 100 requests per delivery, 4 MiB in total.
    #[error("too many effects in one delivery: {0}")]
    LimitExceeded(String),
}

/// Why a look-up has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Manifest or grants do not allow host, method, path or auth profile; or the address is private.
    #[error("not granted: {0}")]
    Denied(String),
    /// A field of the request is invalid; the text names it.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// DNS, connection, TLS or transfer failed.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No complete response in time.
    #[error("no response in time: {0}")]
    Timeout(String),
    /// The body is too large.
    #[error("response too large: {0}")]
    ResponseTooLarge(String),
    /// The target's rate budget is exhausted or its circuit breaker open, for this many milliseconds.
    #[error("the target accepts no requests for {0} ms")]
    Unavailable(u64),
    /// At most 50 look-ups per delivery.
    #[error("too many look-ups in one delivery: {0}")]
    LimitExceeded(String),
}
