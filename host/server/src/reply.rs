//! Turns the application's results into HTTP: the only file that maps an error to its status.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use handoff_app::error::AppError;
use handoff_control::problem;
use handoff_control::problem::{FieldProblem, Problem};

/// The retry delay for senders while the host is stopping or cannot work, in milliseconds.
const UNAVAILABLE_RETRY_MS: u64 = 10_000;

/// A problem to answer with.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Boxed, because refusals are errors of functions with small results.
    problem: Box<Problem>,
    retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with an explicit status, for errors of HTTP itself.
    #[must_use]
    pub fn new(status: StatusCode, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { problem: Box::new(Problem::new(status.as_u16(), word, title, detail)), retry_after_ms: None }
    }

    /// The same with the input field at fault.
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        *self.problem = self.problem.at_field(field);
        self
    }

    /// The same with the time after which to retry.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

impl Refusal {
    /// The problem.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The problem alone.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        *self.problem
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
            }
            AppError::Invalid { field, problems, .. } => {
                let mut refusal =
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not usable", detail);
                refusal.problem.field = field;
                refusal.problem.problems = problems
                    .into_iter()
                    .map(|fault| FieldProblem { field: fault.field, detail: fault.detail })
                    .collect();
                refusal
            }
            AppError::Refused { code, .. } => {
                Self::new(StatusCode::FORBIDDEN, code, "The host's rules forbid this", detail)
            }
            AppError::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", "It is not as you think", detail),
            AppError::Busy { retry_after_ms, .. } => busy(detail, retry_after_ms),
            AppError::Unauthorized { .. } => unauthorized(detail),
            AppError::TooLarge { .. } => too_large(detail),
            AppError::Unavailable { .. } => {
                tracing::error!(error = error.chain(), "the host cannot do what it was asked");
                unavailable(detail)
            }
            AppError::Registry { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "registry", "The registry did not do what was asked", detail)
            }
            AppError::HostStopped => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "host-stopped", "The host is stopped", detail)
            }
            AppError::Full { .. } | AppError::Stopping => unavailable(detail),
            AppError::Store(_) | AppError::Internal(_) => {
                // The error chain may contain paths: it is for the operator only.
                tracing::error!(error = error.chain(), "a request failed");
                let text = "nothing was acknowledged; the host's log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", text)
            }
        }
    }
}

/// 429.
pub(super) fn busy(detail: impl Into<String>, retry_after_ms: u64) -> Refusal {
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "busy", "Too much at once", detail).retry_after_ms(retry_after_ms)
}

/// 401.
pub(super) fn unauthorized(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not proven who asks", detail)
}

/// 413.
pub(super) fn too_large(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "More than the bounds allow", detail)
}

/// 503.
pub(super) fn unavailable(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", detail).retry_after_ms(UNAVAILABLE_RETRY_MS)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(serde_json::to_vec(&self.problem).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(ms) = self.retry_after_ms {
            // Whole seconds (RFC 9110 section 10.2.3), never 0, which would cause a storm of retries.
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A view as JSON.
#[derive(Clone, Debug)]
pub(super) struct View<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for View<T> {
    fn into_response(self) -> Response {
        let Ok(body) = serde_json::to_vec(&self.1) else {
            return Refusal::from(AppError::Internal("a view is not JSON".to_owned())).into_response();
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
