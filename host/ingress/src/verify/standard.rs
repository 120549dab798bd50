//! Standard Webhooks 1.0 with symmetric signatures: HMAC-SHA256 over `id.timestamp.body`, Base64, `v1,` before each of
//! a list separated by spaces (specification of the Standard Webhooks project, "Signature scheme").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Verified, VerifyError, event_id, text};
use handoff_model::time::Timestamp;

/// A sender that rotates signs with two or three secrets; more would only cost the host time.
const SIGNATURES_MAX: usize = 10;

pub(super) fn verify(
    secrets: &[&[u8]],
    tolerance_seconds: u64,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Verified, VerifyError> {
    let id = text(headers, "webhook-id")?;
    let sent = text(headers, "webhook-timestamp")?;
    let signatures = text(headers, "webhook-signature")?;
    let malformed = |header: &str, problem| VerifyError::Malformed { header: header.to_owned(), problem };
    let digits = !sent.is_empty() && sent.bytes().all(|b| b.is_ascii_digit());
    let seconds = digits.then(|| sent.parse::<u64>().ok()).flatten();
    let seconds = seconds.ok_or_else(|| malformed("webhook-timestamp", "expected seconds since 1970 as digits"))?;
    if begins_with_a_time(body) {
        return Err(VerifyError::Wrong);
    }
    let keys = secrets.iter().map(|secret| key(secret)).collect::<Result<Vec<_>, _>>()?;
    let given: Vec<_> = signatures.split_ascii_whitespace().filter_map(|one| one.strip_prefix("v1,")).collect();
    if given.is_empty() || given.len() > SIGNATURES_MAX {
        return Err(malformed("webhook-signature", "expected `v1,` and Base64, up to ten separated by spaces"));
    }
    let mut matched = false;
    for key in &keys {
        let expected = sign(key, id, sent, body)?;
        for one in &given {
            let decoded = STANDARD.decode(one).unwrap_or_default();
            matched |= bool::from(decoded.ct_eq(&expected));
        }
    }
    if !matched {
        return Err(VerifyError::Wrong);
    }
    // After the signature, so that a forger learns nothing about the clock.
    let signed_at = Timestamp(seconds.saturating_mul(1_000));
    if now.0.abs_diff(signed_at.0) > tolerance_seconds.saturating_mul(1_000) {
        return Err(VerifyError::Stale { what: "signed time" });
    }
    Ok(Verified { event_id: event_id("webhook-id", id)?, signed_at: Some(signed_at) })
}

/// Whether a body could be read as the rest of a signed time. Its signature would then hold for two requests: the parts
/// of `id.timestamp.body` are separated by dots, and an id may contain dots.
fn begins_with_a_time(body: &[u8]) -> bool {
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && body.get(digits) == Some(&b'.')
}

fn sign(key: &[u8], id: &str, sent: &str, body: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| VerifyError::Unable { problem: "the secret cannot be used as a key".to_owned() })?;
    for part in [id.as_bytes(), b".", sent.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// `whsec_` and Base64 is the specification's form of a secret. Files often end in a line break.
fn key(secret: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let unable = |problem: &str| VerifyError::Unable { problem: problem.to_owned() };
    let text = secret.trim_ascii();
    let encoded = text.strip_prefix(b"whsec_").unwrap_or(text);
    let key = STANDARD
        .decode(encoded)
        .map_err(|_| unable("a secret for standard-webhooks must be `whsec_` followed by Base64"))?;
    if key.len() < 16 {
        return Err(unable(
            "a secret for standard-webhooks has fewer than 16 bytes; the specification requires 24 to 64",
        ));
    }
    Ok(key)
}
