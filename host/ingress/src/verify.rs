//! Verifies that a webhook comes from the holder of the secret or key. It reads no clock and no secret store: callers
//! pass both. Every comparison of a signature takes constant time.

mod body_hmac;
mod jwt;
mod keys;
mod standard;

use http::HeaderMap;

use super::digest;
use handoff_model::time::Timestamp;
use handoff_policy::ingress::HookVerify;

pub use keys::KeyFile;

/// Why a webhook is not verified. The text may be sent to the sender: it names the header and the rule, never the
/// correct signature or which secret was close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A required header is missing.
    #[error("the header `{header}` is missing")]
    Missing {
        /// Its name.
        header: String,
    },
    /// A header cannot be read.
    #[error("the header `{header}` is malformed: {problem}")]
    Malformed {
        /// Its name.
        header: String,
        /// What was expected.
        problem: &'static str,
    },
    /// The signed time is too far from the host's clock, or the token is expired or not valid yet.
    #[error("the {what} is too old or in the future; check the sender's clock")]
    Stale {
        /// What contains the time.
        what: &'static str,
    },
    /// Signature, key, issuer or audience do not match.
    #[error("the signature does not match")]
    Wrong,
    /// The host cannot verify: a secret or key file is unusable. For the operator, not for the sender.
    #[error("webhooks cannot be verified at the moment")]
    Unable {
        /// Details for the operator.
        problem: String,
    },
}

impl VerifyError {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "signature-missing",
            Self::Malformed { .. } => "signature-malformed",
            Self::Stale { .. } => "signature-stale",
            Self::Wrong => "signature-wrong",
            Self::Unable { .. } => "verification-unable",
        }
    }
}

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

    /// Verifies one webhook. `secrets` are the current bytes of the secrets that `HookVerify::secrets` names, so that a
    /// rotation takes effect at once.
    pub fn verify(
        &self,
        secrets: &[&[u8]],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, VerifyError> {
        if secrets.len() < self.hook.secrets().len() || secrets.iter().any(|secret| secret.is_empty()) {
            return Err(VerifyError::Unable { problem: "a secret is missing or empty".to_owned() });
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

/// The sender's part of an id that ends with a digest.
fn id_part<'t>(header: &str, text: &'t str) -> Result<&'t str, VerifyError> {
    if (1..=128).contains(&text.len()) {
        Ok(text)
    } else {
        Err(VerifyError::Malformed { header: header.to_owned(), problem: "expected 1 to 128 characters" })
    }
}

/// The id as a valid event id.
fn event_id(header: &str, text: &str) -> Result<String, VerifyError> {
    if (1..=256).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(VerifyError::Malformed { header: header.to_owned(), problem: "expected 1 to 256 characters" })
    }
}

/// The single value of a header. A duplicate is refused: using either would be a guess.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, VerifyError> {
    let malformed = |problem| VerifyError::Malformed { header: name.to_owned(), problem };
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| VerifyError::Missing { header: name.to_owned() })?;
    if values.next().is_some() {
        return Err(malformed("expected it once"));
    }
    value.to_str().map(str::trim).map_err(|_| malformed("expected printable ASCII"))
}

#[cfg(test)]
mod tests;
