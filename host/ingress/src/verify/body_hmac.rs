//! HMAC-SHA256 over the raw body in one header, as most vendors do it. It signs no time and no id: a replay is
//! recognized only by the digest of its body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{VerifyError, text};
use handoff_policy::ingress::SignatureEncoding;

pub(super) fn verify(
    secrets: &[&[u8]],
    header: &str,
    encoding: SignatureEncoding,
    prefix: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), VerifyError> {
    let malformed = |problem| VerifyError::Malformed { header: header.to_owned(), problem };
    let value = text(headers, header)?;
    let signature = value.strip_prefix(prefix).ok_or_else(|| malformed("expected the configured prefix"))?;
    let given = match encoding {
        SignatureEncoding::Hex => hex::decode(signature).map_err(|_| malformed("expected hexadecimal digits"))?,
        SignatureEncoding::Base64 => {
            STANDARD.decode(signature).map_err(|_| malformed("expected Base64 with padding"))?
        }
    };
    let mut matched = false;
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret)
            .map_err(|_| VerifyError::Unable { problem: "the secret cannot be used as a key".to_owned() })?;
        mac.update(body);
        matched |= bool::from(mac.finalize().into_bytes().as_slice().ct_eq(given.as_slice()));
    }
    if matched { Ok(()) } else { Err(VerifyError::Wrong) }
}
