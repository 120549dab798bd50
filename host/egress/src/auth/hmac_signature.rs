//! Signs a body with a keyed hash (RFC 2104) and formats the field's value. Pure.

use base64::Engine as _;
use hmac::Mac as _;

use handoff_policy::egress::{HmacAlgorithm, HmacEncoding, HmacOptions};

/// The field's value for a body as it is sent.
pub(super) fn field_value(options: &HmacOptions, key: &[u8], body: &[u8]) -> Result<String, String> {
    let hash = match options.algorithm {
        HmacAlgorithm::HmacSha256 => {
            let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
            mac.update(body);
            mac.finalize().into_bytes()
        }
    };
    let signature = match options.encoding {
        HmacEncoding::Base64 => base64::engine::general_purpose::STANDARD.encode(hash),
        HmacEncoding::Hex => hex::encode(hash),
    };
    // The signature first: the public half is the operator's text and may contain braces.
    let parts: Vec<String> =
        options.format.split("{signature}").map(|part| part.replace("{public}", &options.public)).collect();
    Ok(parts.join(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_follows_rfc_4231_and_the_format() {
        let options = |encoding, format: &str| HmacOptions {
            header: "Authentication".to_owned(),
            public: "pk{signature}".to_owned(),
            secret: "s".to_owned(),
            algorithm: HmacAlgorithm::HmacSha256,
            encoding,
            format: format.to_owned(),
        };
        // RFC 4231, test case 2.
        let hex = field_value(&options(HmacEncoding::Hex, "{signature}"), b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex.expect("signed"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let pair = field_value(
            &options(HmacEncoding::Base64, "{public}:{signature}"),
            b"Jefe",
            b"what do ya want for nothing?",
        );
        assert_eq!(pair.expect("signed"), "pk{signature}:W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }
}
