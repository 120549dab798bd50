//! Standard Webhooks 1.0 with symmetric signatures: HMAC-SHA256 over `id.timestamp.body`, Base64, `v1,` before each of
//! a list separated by spaces (specification of the Standard Webhooks project, "Signature scheme").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::reason::shown;
use super::{Reason, Verified, VerifyError, event_id, text};
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
    let digits = !sent.is_empty() && sent.bytes().all(|b| b.is_ascii_digit());
    let seconds = digits.then(|| sent.parse::<u64>().ok()).flatten();
    let not_a_time = || {
        let detail = format!("`webhook-timestamp` is `{}`; expected seconds since 1970 as digits", shown(sent));
        VerifyError::new(Reason::HeaderMalformed, detail)
    };
    let seconds = seconds.ok_or_else(not_a_time)?;
    if begins_with_a_time(body) {
        let detail = "the body begins with digits and a dot, so that its signature would hold for another id, too";
        return Err(VerifyError::new(Reason::AmbiguousBody, detail));
    }
    let keys = usable_keys(secrets)?;
    let given: Vec<_> = signatures.split_ascii_whitespace().filter_map(|one| one.strip_prefix("v1,")).collect();
    if given.is_empty() || given.len() > SIGNATURES_MAX {
        let detail = "`webhook-signature` has no signature that begins with `v1,`, or more than ten";
        return Err(VerifyError::new(Reason::WrongPrefix, detail));
    }
    let decoded: Vec<_> = given.iter().filter_map(|one| STANDARD.decode(one).ok()).collect();
    let mut matched = false;
    for key in &keys {
        let expected = sign(key, id, sent, body)?;
        for one in &decoded {
            matched |= bool::from(one.ct_eq(&expected));
        }
    }
    if !matched && decoded.is_empty() {
        let detail = "what `webhook-signature` has after `v1,` is not Base64 with padding";
        return Err(VerifyError::new(Reason::BadBase64, detail));
    }
    if !matched {
        let detail = "no secret gives the signature in `webhook-signature`: the sender has another secret, or something \
                      between the sender and the host changed the id, the time or the body";
        return Err(VerifyError::new(Reason::WrongSignature, detail));
    }
    // After the signature, so that a forger learns nothing about the clock.
    let signed_at = Timestamp(seconds.saturating_mul(1_000));
    let apart = now.0.abs_diff(signed_at.0);
    if apart > tolerance_seconds.saturating_mul(1_000) {
        let (reason, way) =
            if signed_at < now { (Reason::TooOld, "behind") } else { (Reason::InTheFuture, "ahead of") };
        let detail = format!(
            "the signed time is {} s {way} this host's clock; at most {tolerance_seconds} s are allowed: check both \
             clocks, or the sender repeats an old request",
            apart / 1_000
        );
        return Err(VerifyError::new(reason, detail));
    }
    Ok(Verified { event_id: event_id("webhook-id", id)?, signed_at: Some(signed_at) })
}

/// The keys of all usable secrets. One that is unusable must not spoil the others during a rotation.
fn usable_keys(secrets: &[&[u8]]) -> Result<Vec<Vec<u8>>, VerifyError> {
    let mut problem = "no secret of this webhook can be read";
    let mut keys = Vec::with_capacity(secrets.len());
    for secret in secrets {
        match key(secret) {
            Ok(key) => keys.push(key),
            Err(why) => problem = why,
        }
    }
    if keys.is_empty() { Err(VerifyError::new(Reason::Unable, problem)) } else { Ok(keys) }
}

/// Whether a body could be read as the rest of a signed time. Its signature would then hold for two requests: the parts
/// of `id.timestamp.body` are separated by dots, and an id may contain dots.
fn begins_with_a_time(body: &[u8]) -> bool {
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && body.get(digits) == Some(&b'.')
}

pub(super) fn sign(key: &[u8], id: &str, sent: &str, body: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| VerifyError::new(Reason::Unable, "the secret cannot be used as a key"))?;
    for part in [id.as_bytes(), b".", sent.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// `whsec_` and Base64 is the specification's form of a secret. Files often end in a line break.
pub(super) fn key(secret: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = secret.trim_ascii();
    let encoded = text.strip_prefix(b"whsec_").unwrap_or(text);
    let key = STANDARD
        .decode(encoded)
        .map_err(|_| "a secret for standard-webhooks must be `whsec_` followed by Base64 with padding")?;
    if key.len() < 16 {
        return Err("a secret for standard-webhooks has fewer than 16 bytes; the specification requires 24 to 64");
    }
    Ok(key)
}
