//! DSSE envelopes, version 1.0 (the protocol of secure-systems-lab/dsse): a payload, its type, and signatures over
//! both. It does not interpret the payload.

use super::{KeyId, PublicKey, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

fn decode(text: &str, what: &str) -> Result<Vec<u8>, InvalidEnvelope> {
    STANDARD.decode(text).map_err(|_| InvalidEnvelope(format!("has a {what} that is not base64")))
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
}
