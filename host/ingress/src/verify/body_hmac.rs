//! HMAC-SHA256 over the raw body in one header, as most vendors do it. It signs no time and no id: a replay is
//! recognized only by the digest of its body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Reason, VerifyError, text};
use handoff_policy::ingress::SignatureEncoding;

/// An HMAC-SHA256 has 32 bytes.
const MAC_BYTES: usize = 32;

pub(super) fn verify(
    secrets: &[&[u8]],
    header: &str,
    encoding: SignatureEncoding,
    prefix: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), VerifyError> {
    let value = text(headers, header)?;
    let wrong_prefix = || VerifyError::new(Reason::WrongPrefix, format!("`{header}` does not begin with `{prefix}`"));
    let signature = value.strip_prefix(prefix).ok_or_else(wrong_prefix)?;
    let given = match encoding {
        SignatureEncoding::Hex => hex::decode(signature).map_err(|_| {
            VerifyError::new(Reason::BadHex, format!("what `{header}` has after the prefix is not hexadecimal"))
        })?,
        SignatureEncoding::Base64 => STANDARD.decode(signature).map_err(|_| {
            let detail = format!("what `{header}` has after the prefix is not Base64 with padding");
            VerifyError::new(Reason::BadBase64, detail)
        })?,
    };
    if given.len() != MAC_BYTES {
        let detail = format!("the signature in `{header}` has {} bytes; an HMAC-SHA256 has {MAC_BYTES}", given.len());
        return Err(VerifyError::new(Reason::HeaderMalformed, detail));
    }
    let mut matched = false;
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret)
            .map_err(|_| VerifyError::new(Reason::Unable, "the secret cannot be used as a key"))?;
        mac.update(body);
        matched |= bool::from(mac.finalize().into_bytes().as_slice().ct_eq(given.as_slice()));
    }
    if matched {
        return Ok(());
    }
    let detail = format!(
        "no secret gives the signature in `{header}` for this body: the sender has another secret, or something between \
         the sender and the host changed the body"
    );
    Err(VerifyError::new(Reason::WrongSignature, detail))
}
