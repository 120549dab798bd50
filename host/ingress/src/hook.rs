//! Creates the event of a webhook after verification: the raw body, addressed to one installation.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::verify::{Verifier, VerifyError};
use handoff_model::event::{Event, EventError, host_types};
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;

/// Why a webhook is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// Not verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Too large.
    #[error("the body has {bytes} bytes; expected at most {most} (`ingress.hook-body-bytes`)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A header cannot become an attribute.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// Verifies a webhook and creates its event. `secrets` as for [`Verifier::verify`].
pub fn receive(
    installation: &InstallationName,
    verifier: &Verifier,
    secrets: &[&[u8]],
    headers: &HeaderMap,
    body: &[u8],
    body_bytes_max: usize,
    now: Timestamp,
) -> Result<Event, HookError> {
    if body.len() > body_bytes_max {
        return Err(HookError::TooLarge { bytes: body.len(), most: body_bytes_max });
    }
    let verified = verifier.verify(secrets, headers, body, now)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::trim);
    let event = Event {
        id: verified.event_id,
        source: format!("/hooks/{installation}"),
        type_name: host_types::HOOK_RECEIVED.to_owned(),
        subject: None,
        time: Some(verified.signed_at.unwrap_or(now)),
        // If the sender gives no type, the connector inspects the body.
        data_content_type: content_type.filter(|text| !text.is_empty()).map(str::to_owned),
        data_schema: None,
        extensions: Default::default(),
        data: body.to_vec(),
    };
    event.check()?;
    Ok(event)
}
