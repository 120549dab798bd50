//! Extracts values from a request's path and query. An invalid value is answered with a problem that names the field.

use axum::extract::{FromRequestParts, Path, Query};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::reply::Refusal;
use handoff_control::outbox::OutboxId;
use handoff_model::names::{InstallationName, NameError, Position};

/// The installation in the path.
pub(super) struct Name(pub(super) InstallationName);

/// The position in the path.
pub(super) struct At(pub(super) Position);

/// The outbox request in the path.
pub(super) struct RequestId(pub(super) OutboxId);

/// The query string; unknown fields are refused.
pub(super) struct Fields<T>(pub(super) T);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text: String = path(parts, state).await?;
        text.parse().map(Self).map_err(|error: NameError| invalid("name", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text: String = path(parts, state).await?;
        let wrong =
            |_| invalid("position", format!("`{}` is not a position: expected a number", crate::printable(&text)));
        text.parse().map(|number| Self(Position(number))).map_err(wrong)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let (installation, position): (String, String) = path(parts, state).await?;
        let text = format!("{installation}/{position}");
        let wrong = |_| {
            let text = crate::printable(&text);
            invalid("id", format!("`{text}` is not an outbox request: expected installation/position"))
        };
        text.parse().map(Self).map_err(wrong)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Fields<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(fields)) => Ok(Self(fields)),
            Err(error) => Err(invalid("query", format!("the query string is not usable: {}", error.body_text()))),
        }
    }
}

async fn path<T: DeserializeOwned + Send, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<T, Refusal> {
    match Path::<T>::from_request_parts(parts, state).await {
        Ok(Path(value)) => Ok(value),
        Err(error) => Err(invalid("path", error.body_text())),
    }
}

fn invalid(field: &str, detail: String) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not usable", detail).at_field(field)
}
