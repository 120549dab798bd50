//! What a page is asked with: the fields of its query, and of a form with the proof of its session. Bounded.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use url::form_urlencoded;

use super::refusal::PageRefusal;
use super::session::Signed;
use crate::body::{self, BodyLimit};
use crate::reply::Refusal;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;
/// Most fields of a form or a query.
const FIELDS_MAX: usize = 2_000;
/// The field with the proof that a form belongs to a session.
const CSRF: &str = "csrf";

/// The fields of a query or a form, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).take(FIELDS_MAX).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
    }

    /// The value of a field without surrounding spaces; none if it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// The value as text, which may be empty.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// The value as what it names. A value that names nothing is refused, because to ignore it would show something else
    /// than asked for.
    pub(super) fn parse_as<T: std::str::FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, PageRefusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| {
            let detail = format!("{name}: found `{}`, expected {expected}", crate::printable(value));
            PageRefusal(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Not understood", detail))
        })
    }

    /// Whether a box is ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

/// The form of a request.
pub(super) async fn form(headers: &http::HeaderMap, body: Body) -> Result<Fields, PageRefusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let detail = "expected a form of one of these pages";
        let title = "Another media type is expected";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(PageRefusal(Refusal::new(status, "unsupported-media-type", title, detail)));
    }
    let bytes = body::read(headers, body, BodyLimit::fixed(FORM_BYTES_MAX)).await.map_err(PageRefusal)?;
    Ok(Fields::parse(&bytes))
}

/// A form that a page of this session sent.
pub(super) struct Posted {
    pub(super) signed: Signed,
    pub(super) fields: Fields,
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = axum::response::Response;
    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, state).await?;
        let fields = form(&parts.headers, body).await.map_err(|refusal| refusal.into_response())?;
        if signed.owns(fields.get(CSRF).unwrap_or_default()) {
            return Ok(Self { signed, fields });
        }
        let detail = "the form belongs to another session, so nothing was changed: open the page again and repeat it";
        Err(PageRefusal(Refusal::new(StatusCode::FORBIDDEN, "other-session", "Not this session", detail))
            .into_response())
    }
}
