//! Ed25519 keys: generated, read and written. A private key is never displayed, and only this file holds its bytes.

use crate::Digest;
use crate::manifest::printable;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Bytes of a raw Ed25519 public key (RFC 8032, section 5.1.5).
const PUBLIC_KEY_BYTES: usize = 32;
/// Size limit of a key file. A key takes some hundred bytes.
const PEM_BYTES_MAX: usize = 8 * 1024;
/// Label of a PKCS#8 private key (RFC 7468, section 10).
const PRIVATE_LABEL: &str = "PRIVATE KEY";
/// Label of a public key (RFC 7468, section 13).
const PUBLIC_LABEL: &str = "PUBLIC KEY";
/// The bytes before the 32 bytes of the key in an Ed25519 SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Not an Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(String);

/// Identifies a key: the sha256 digest of the raw 32 bytes of the public key, written `sha256:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(Digest);

impl KeyId {
    /// Short form for people: `sha256:` and the first 16 hex digits.
    #[must_use]
    pub fn short(&self) -> String {
        format!("sha256:{}", self.0.hex().chars().take(16).collect::<String>())
    }

    /// Whether a text identifies this key: the whole id, or its first 8 or more hex digits, with or without `sha256:`.
    #[must_use]
    pub fn is_meant_by(&self, text: &str) -> bool {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        hex.len() >= 8 && self.0.hex().starts_with(hex)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for KeyId {
    type Err = crate::InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A public Ed25519 key. Its text is the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; PUBLIC_KEY_BYTES]);

impl PublicKey {
    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(Digest::of(&self.0))
    }

    /// Creates a key from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// Reads a PEM file as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// The text is not PEM, or the key is not an Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = read_pem(text, PUBLIC_LABEL)?;
        let raw = der.strip_prefix(SPKI_PREFIX.as_slice());
        let raw = raw.and_then(|raw| <[u8; PUBLIC_KEY_BYTES]>::try_from(raw).ok());
        raw.map(Self)
            .ok_or_else(|| InvalidKey(format!("the PEM `{PUBLIC_LABEL}` does not contain an Ed25519 key: {HOW}")))
    }

    /// The key as PEM, for other tools.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(&pem::Pem::new(PUBLIC_LABEL, [SPKI_PREFIX.as_slice(), &self.0].concat()))
    }

    /// Whether this key signed exactly these bytes.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id().short())
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    /// Reads the base64 of the 32 bytes, or a PEM file.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            return Self::from_pem(text);
        }
        let bytes = if text.len() > 64 { None } else { STANDARD.decode(text).ok() };
        let bytes = bytes.and_then(|bytes| <[u8; PUBLIC_KEY_BYTES]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| {
            InvalidKey("expected a public key: 32 bytes as base64 (44 characters), or a PEM file".to_owned())
        })
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// A publisher's private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    /// PKCS#8, for writing it out again.
    document: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Generates a key from the system's randomness.
    ///
    /// # Errors
    /// The system provides no randomness.
    pub fn generate() -> Result<Self, InvalidKey> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| InvalidKey("the system provides no randomness to generate a key".to_owned()))?;
        Self::from_document(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads a PKCS#8 PEM file, as [`SigningKey::to_pem`] or `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// The text is not PEM, or the key is not an Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        Self::from_document(read_pem(text, PRIVATE_LABEL)?)
    }

    /// The key as PKCS#8 PEM: a secret, for a file that only its owner can read.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(pem::encode(&pem::Pem::new(PRIVATE_LABEL, self.document.to_vec())))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        // ring's public key type gives no access to its array; it is always 32 bytes long.
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        for (to, from) in bytes.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        PublicKey(bytes)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    fn from_document(document: Zeroizing<Vec<u8>>) -> Result<Self, InvalidKey> {
        // Version 1 of PKCS#8, which OpenSSL writes, has no public half to compare with.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).map_err(|error| {
            InvalidKey(format!("the PEM `{PRIVATE_LABEL}` does not contain an Ed25519 key ({error}): {HOW}"))
        })?;
        Ok(Self { pair, document })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id().short())
    }
}

const HOW: &str = "create one with `handoff keys new` or `openssl genpkey -algorithm ed25519`";

fn read_pem(text: &str, label: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    if text.len() > PEM_BYTES_MAX {
        return Err(InvalidKey(format!("a key file has at most {PEM_BYTES_MAX} bytes; this has {}", text.len())));
    }
    // The parser's own error could contain a part of the key.
    let found = pem::parse(text).map_err(|_| InvalidKey(format!("the file is not PEM with `BEGIN {label}`: {HOW}")))?;
    if found.tag() == label {
        return Ok(Zeroizing::new(found.into_contents()));
    }
    let tag = printable(found.tag(), 40);
    Err(InvalidKey(format!("expected `{label}` in the PEM, found `{tag}`: {HOW}")))
}
