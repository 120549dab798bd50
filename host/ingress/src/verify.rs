//! Verifies that a webhook comes from the holder of the secret or key. It reads no clock and no secret store: callers
//! pass both. Every comparison of a signature takes constant time.

mod body_hmac;
mod check;
mod jwt;
mod keys;
mod reason;
mod sign;
mod standard;

use http::HeaderMap;

use super::digest;
use handoff_model::time::Timestamp;
use handoff_policy::ingress::HookVerify;

pub use check::{check_keys, check_secret, key_file};
pub use keys::KeyFile;
pub use reason::{Reason, VerifyError};
pub use sign::sign;

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Identifies the webhook: the same id again is a redelivery or a replay.
    pub event_id: String,
    /// The signed time, if this kind signs one.
    pub signed_at: Option<Timestamp>,
}

/// Verifies the webhooks of one installation. Caches parsed keys.
#[derive(Debug)]
pub struct Verifier {
    hook: HookVerify,
    keys: KeyFile,
}

impl Verifier {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(hook: HookVerify) -> Self {
        Self { hook, keys: KeyFile::default() }
    }

    /// The configured verification.
    #[must_use]
    pub fn hook(&self) -> &HookVerify {
        &self.hook
    }

    /// Verifies one webhook. `secrets` are the current bytes of those secrets that `HookVerify::secrets` names and that
    /// can be read, so that a rotation takes effect at once. One that is missing or unusable does not spoil the others.
    pub fn verify(
        &self,
        secrets: &[&[u8]],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, VerifyError> {
        let secrets: Vec<&[u8]> = secrets.iter().copied().filter(|secret| !secret.is_empty()).collect();
        let secrets = secrets.as_slice();
        if secrets.is_empty() && !self.hook.secrets().is_empty() {
            return Err(VerifyError::new(Reason::Unable, "no secret of this webhook can be read"));
        }
        match &self.hook {
            HookVerify::None { id_header } => unsigned(headers, id_header.as_deref(), body),
            HookVerify::StandardWebhooks { tolerance_seconds, .. } => {
                standard::verify(secrets, *tolerance_seconds, headers, body, now)
            }
            HookVerify::BodyHmac { header, encoding, prefix, id_header, .. } => {
                body_hmac::verify(secrets, header, *encoding, prefix, headers, body)?;
                unsigned(headers, id_header.as_deref(), body)
            }
            HookVerify::Jwt { keys, algorithms, issuer, audience, leeway_seconds, id_header } => {
                let rules = jwt::Rules { algorithms, issuer, audience, leeway_seconds: *leeway_seconds };
                jwt::verify(keys, &self.keys, secrets, &rules, headers, now)?;
                unsigned(headers, id_header.as_deref(), body)
            }
        }
    }
}

/// The id if none is signed: the digest of the body, after a header that the operator named. The same header and body
/// are the same event, which is right for redeliveries and replays: nothing signed distinguishes them from a second
/// event with the same content. The header alone would not do: a user who replays a captured request under the next id
/// would make the host take the real event with that id for a duplicate. A token's time does not count: redeliveries
/// have fresh tokens.
fn unsigned(headers: &HeaderMap, id_header: Option<&str>, body: &[u8]) -> Result<Verified, VerifyError> {
    let event_id = match id_header {
        Some(name) => format!("{}/{}", id_part(name, text(headers, name)?)?, digest::sha256(body)),
        None => digest::sha256(body),
    };
    Ok(Verified { event_id, signed_at: None })
}

/// The sender's own id in the id of an event whose sender does not sign it: what stands before the body's digest.
#[must_use]
pub fn sender_id(event_id: &str) -> Option<&str> {
    let (id, digest) = event_id.rsplit_once('/')?;
    digest.starts_with("sha256:").then_some(id)
}

/// The sender's part of an id that ends with a digest.
fn id_part<'t>(header: &str, text: &'t str) -> Result<&'t str, VerifyError> {
    if (1..=128).contains(&text.len()) { Ok(text) } else { Err(id_length(header, text, 128)) }
}

/// The id as a valid event id.
fn event_id(header: &str, text: &str) -> Result<String, VerifyError> {
    if (1..=256).contains(&text.len()) { Ok(text.to_owned()) } else { Err(id_length(header, text, 256)) }
}

fn id_length(header: &str, text: &str, most: usize) -> VerifyError {
    VerifyError::new(Reason::HeaderMalformed, format!("`{header}` has {} characters; expected 1 to {most}", text.len()))
}

/// The single value of a header. A duplicate is refused: using either would be a guess.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let missing = || VerifyError::new(Reason::HeaderMissing, format!("the header `{name}` is missing"));
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        return Err(VerifyError::new(Reason::HeaderRepeated, format!("the header `{name}` is there more than once")));
    }
    let printable = || VerifyError::new(Reason::HeaderMalformed, format!("`{name}` is not printable ASCII"));
    value.to_str().map(str::trim).map_err(|_| printable())
}

#[cfg(test)]
mod tests;
