//! Keys of tokens: from a key set or a PEM file, read again when the file changes, or from shared secrets.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;

use super::{Reason, VerifyError};
use handoff_policy::ingress::JwtKeys;

/// A key set has a handful of keys.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A key and its permitted algorithms.
#[derive(Clone)]
pub(super) struct Key {
    /// Its id in the set.
    pub(super) id: Option<String>,
    /// Algorithms of its type: a key is never used as another kind of key.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

/// A file's keys, with its time and size when they were read.
type Cached = (SystemTime, u64, Arc<Vec<Key>>);

/// Cached keys of a file, valid until the file's time or size changes.
#[derive(Default)]
pub struct KeyFile {
    // Held while the file is read: a second request waits instead of reading it too. Never across an await.
    cached: Mutex<Option<Cached>>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile")
    }
}

impl KeyFile {
    /// All keys of the source.
    pub(super) fn keys(&self, keys: &JwtKeys, secrets: &[&[u8]]) -> Result<Arc<Vec<Key>>, VerifyError> {
        match keys {
            JwtKeys::Secrets { .. } => Ok(Arc::new(secrets.iter().map(|secret| shared(secret)).collect())),
            JwtKeys::JwksFile { path } => self.file(path, jwks),
            JwtKeys::PublicKeyFile { path } => self.file(path, pem),
        }
    }

    fn file(&self, path: &Path, read: fn(&[u8]) -> Result<Vec<Key>, String>) -> Result<Arc<Vec<Key>>, VerifyError> {
        let unable =
            |problem: String| VerifyError::new(Reason::Unable, format!("key file {}: {problem}", path.display()));
        let metadata = std::fs::metadata(path).map_err(|error| unable(error.to_string()))?;
        let modified = metadata.modified().map_err(|error| unable(error.to_string()))?;
        let mut cached = self.cached.lock();
        if let Some((at, bytes, keys)) = cached.as_ref()
            && (*at, *bytes) == (modified, metadata.len())
        {
            return Ok(Arc::clone(keys));
        }
        if metadata.len() > FILE_BYTES_MAX {
            return Err(unable(format!("has {} bytes; expected at most {FILE_BYTES_MAX}", metadata.len())));
        }
        let bytes = std::fs::read(path).map_err(|error| unable(error.to_string()))?;
        let keys = Arc::new(read(&bytes).map_err(unable)?);
        *cached = Some((modified, metadata.len(), Arc::clone(&keys)));
        Ok(keys)
    }
}

fn shared(secret: &[u8]) -> Key {
    let algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    Key { id: None, algorithms, key: DecodingKey::from_secret(secret) }
}

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// Verification keys of a set (RFC 7517); others are skipped, as the RFC requires (section 5).
fn jwks(bytes: &[u8]) -> Result<Vec<Key>, String> {
    // Each key separately: one of an unknown kind must not invalidate the set.
    let set: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
    let members = set.get("keys").and_then(serde_json::Value::as_array).ok_or("has no array `keys` (RFC 7517)")?;
    let known = members.iter().filter_map(|member| serde_json::from_value::<Jwk>(member.clone()).ok()).collect();
    let set = JwkSet { keys: known };
    let keys: Vec<_> = set.keys.iter().filter_map(jwk).collect();
    if keys.is_empty() { Err("contains no RSA, EC or Ed25519 key for signatures".to_owned()) } else { Ok(keys) }
}

fn jwk(jwk: &Jwk) -> Option<Key> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA.to_vec(),
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        // A shared key in a file of public keys would be an exposed secret.
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key { id: jwk.common.key_id.clone(), algorithms, key })
}

fn pem(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let one = |algorithms: &[Algorithm], key| Ok(vec![Key { id: None, algorithms: algorithms.to_vec(), key }]);
    if let Ok(key) = DecodingKey::from_rsa_pem(bytes) {
        return one(&RSA, key);
    }
    if let Ok(key) = DecodingKey::from_ec_pem(bytes) {
        return one(&[Algorithm::ES256, Algorithm::ES384], key);
    }
    if let Ok(key) = DecodingKey::from_ed_pem(bytes) {
        return one(&[Algorithm::EdDSA], key);
    }
    Err("is not a public key in PEM format (RSA, EC P-256 or P-384, or Ed25519)".to_owned())
}
