//! DSSE envelopes, version 1.0 (the protocol of secure-systems-lab/dsse): a payload, its type, and signatures over
//! both. It does not interpret the payload.

use super::{KeyId, PublicKey, SigningKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, PAD, STANDARD};
use serde::{Deserialize, Serialize};

/// Media type of an envelope as JSON.
pub const ENVELOPE_MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// Size limit of an envelope as JSON, in bytes.
pub const ENVELOPE_BYTES_MAX: usize = 32 * 1024;
/// Maximum number of signatures in an envelope.
pub const SIGNATURES_MAX: usize = 8;

/// A signed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// A signature and a hint to the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    /// Not authenticated: only a hint which key to try.
    key_id: String,
    bytes: Vec<u8>,
}

/// The bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature envelope {0}")]
pub struct InvalidEnvelope(String);

impl Envelope {
    /// Signs a payload.
    #[must_use]
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SigningKey) -> Self {
        let bytes = key.sign(&pre_authentication_encoding(payload_type, &payload));
        let signatures = vec![Signature { key_id: key.public().id().to_string(), bytes }];
        Self { payload_type: payload_type.to_owned(), payload, signatures }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// The envelope exceeds a limit, is cut off, not JSON or not an envelope.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidEnvelope> {
        if json.len() > ENVELOPE_BYTES_MAX {
            let bytes = json.len();
            return Err(InvalidEnvelope(format!("has {bytes} bytes; at most {ENVELOPE_BYTES_MAX} are allowed")));
        }
        let wire: Wire = serde_json::from_slice(json).map_err(|error| {
            let what = if error.is_eof() { "is cut off" } else { "is not a DSSE envelope" };
            InvalidEnvelope(format!("{what} (line {}, column {})", error.line(), error.column()))
        })?;
        let count = wire.signatures.len();
        if count == 0 || count > SIGNATURES_MAX {
            return Err(InvalidEnvelope(format!("has {count} signatures, expected 1 to {SIGNATURES_MAX}")));
        }
        let signatures = wire
            .signatures
            .into_iter()
            .map(|one| Ok(Signature { bytes: decode(&one.sig, "signature")?, key_id: one.keyid.unwrap_or_default() }));
        Ok(Self {
            payload: decode(&wire.payload, "payload")?,
            signatures: signatures.collect::<Result<_, _>>()?,
            payload_type: wire.payload_type,
        })
    }

    /// Serializes to JSON. Equal envelopes give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let signatures = self.signatures.iter();
        let wire = Wire {
            payload_type: self.payload_type.clone(),
            payload: STANDARD.encode(&self.payload),
            signatures: signatures
                .map(|one| WireSignature { keyid: Some(one.key_id.clone()), sig: STANDARD.encode(&one.bytes) })
                .collect(),
        };
        // Serializing strings into memory cannot fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// The payload's type. Trust it only after [`Envelope::is_signed_by`].
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload. Trust it only after [`Envelope::is_signed_by`].
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether this key signed exactly this payload and type.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let message = pre_authentication_encoding(&self.payload_type, &self.payload);
        self.signatures.iter().any(|signature| key.signed(&message, &signature.bytes))
    }

    /// Ids of the keys that claim to have signed, as far as they are valid ids.
    pub fn claimed_keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.signatures.iter().filter_map(|signature| signature.key_id.parse().ok())
    }
}

/// The bytes that are signed (DSSE protocol, "PAE"): lengths keep type and payload apart.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Verifiers accept both alphabets (DSSE protocol, "Either standard or URL-safe encoding is allowed"); the URL-safe one is
/// usual without padding (RFC 4648, section 5). The signature covers the decoded bytes, so the spelling does not matter.
const LENIENT: GeneralPurposeConfig = PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BOTH: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&alphabet::STANDARD, LENIENT), GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)];

fn decode(text: &str, what: &str) -> Result<Vec<u8>, InvalidEnvelope> {
    let decoded = BOTH.iter().find_map(|alphabet| alphabet.decode(text).ok());
    decoded.ok_or_else(|| InvalidEnvelope(format!("has a {what} that is not Base64, standard or URL-safe")))
}

/// The JSON form of the specification. Unknown fields are ignored.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_bytes_match_the_specification() {
        let bytes = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn both_base64_alphabets_are_accepted_with_and_without_padding() {
        // Bytes whose encodings differ between the alphabets, and end in two, one and no padding characters.
        for payload in [&b"\xfb\xef\xbe\xff"[..], b"\xfb\xef\xbe\xff\xfe", b"\xfb\xef\xbe\xff\xfe\xfd"] {
            let envelope =
                |text: &str| format!(r#"{{"payloadType":"x/y","payload":"{text}","signatures":[{{"sig":"{text}"}}]}}"#);
            let standard = STANDARD.encode(payload);
            assert!(standard.contains('+') && standard.contains('/'), "{standard}");
            let url_safe = standard.replace('+', "-").replace('/', "_");
            for text in [&standard, standard.trim_end_matches('='), &url_safe, url_safe.trim_end_matches('=')] {
                let read = Envelope::from_json(envelope(text).as_bytes()).map_err(|error| format!("{text}: {error}"));
                assert_eq!(read.map(|read| read.payload), Ok(payload.to_vec()));
            }
            // One text has one alphabet.
            let mixed = standard.replacen('+', "-", 1);
            let refused = Envelope::from_json(envelope(&mixed).as_bytes()).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|error| error.contains("not Base64")), "{mixed}");
        }
    }
}
