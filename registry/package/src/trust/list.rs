//! The publishers that a host trusts, their keys, and the verdict on an envelope. It stores nothing; its owner does.

use super::statement::{Index, Release};
use super::{Envelope, KeyId, PublicKey, Publisher, Statement};
use crate::Digest;
use crate::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Maximum number of keys of one publisher, old ones included.
const KEYS_MAX: usize = 32;

/// The trusted publishers and their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustList {
    /// A publisher's keys, in the order in which they were added.
    pub publishers: BTreeMap<String, Vec<TrustedKey>>,
}

/// A key of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When it was added, in milliseconds since 1970.
    pub added_at_ms: u64,
    /// Retired: a signature with a later date is refused, an earlier one stays valid. This relies on the signer's
    /// clock, so revoke a stolen key instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after_ms: Option<u64>,
    /// Revoked: no signature of this key is valid, whatever its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// The key that introduced it by a signed statement; none if a person added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_by: Option<KeyId>,
}

/// The revocation of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Revocation time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The reason, for people.
    pub reason: String,
}

/// The signer of a valid signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// The publisher.
    pub publisher: Publisher,
    /// The key.
    pub key_id: KeyId,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.publisher, self.key_id.short())
    }
}

/// What a signature must be about.
#[derive(Debug, Clone, Copy)]
pub enum Expect<'a> {
    /// A release.
    Release {
        /// The package.
        package: &'a PackageName,
        /// The version.
        version: &'a Version,
        /// Digest of the component.
        digest: Digest,
        /// Digest of the OCI manifest.
        manifest_digest: Digest,
    },
    /// The list of a package's releases.
    Index {
        /// The package.
        package: &'a PackageName,
        /// The sequence number in the list.
        sequence: u64,
        /// Digest of the list's JSON.
        digest: Digest,
    },
}

impl Expect<'_> {
    fn package(&self) -> &PackageName {
        match self {
            Self::Release { package, .. } | Self::Index { package, .. } => package,
        }
    }
}

impl fmt::Display for Expect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { package, version, .. } => write!(f, "{package} {version}"),
            Self::Index { package, sequence, .. } => write!(f, "index {sequence} of {package}"),
        }
    }
}

/// Why a signature is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no signature.
    #[error("{what} is not signed: ask the publisher to publish it with `handoff publish`, which signs it")]
    Unsigned {
        /// What was checked.
        what: String,
    },
    /// No key of this publisher is trusted.
    #[error(
        "publisher `{publisher}` is not trusted: get the publisher's key and add it with `handoff trust add {publisher} KEY`"
    )]
    UnknownPublisher {
        /// The publisher.
        publisher: String,
    },
    /// Signed by a key that is not trusted.
    #[error(
        "{what} is signed by {claimed}, which is not a trusted key of `{publisher}`: if it is the publisher's new key, add it with `handoff trust add {publisher} KEY`"
    )]
    UnknownKey {
        /// What was checked.
        what: String,
        /// The publisher.
        publisher: String,
        /// The keys that the envelope names.
        claimed: String,
    },
    /// The existing list was signed with a key other than the publisher's own.
    #[error(
        "{what} is signed by {claimed}, not with your key: if that is an earlier key of yours, pass the file of its public half with \
         `--earlier-key`, and the list is signed with your present key from then on; if it is nobody's of yours, ask who else publishes \
         under this name"
    )]
    NotYourKey {
        /// What was checked.
        what: String,
        /// The keys that the envelope names.
        claimed: String,
    },
    /// Signed with a revoked key.
    #[error(
        "{what} is signed with the key {key}, which was revoked: {reason}; ask the publisher to publish the same file again with a valid key, which adds a signature"
    )]
    Revoked {
        /// What was checked.
        what: String,
        /// Short id of the key.
        key: String,
        /// When it was revoked, in milliseconds since 1970.
        at_ms: u64,
        /// Why it was revoked.
        reason: String,
    },
    /// Signed after the key was retired.
    #[error(
        "{what} is signed with the key {key} after that key was retired: ask the publisher to sign it with the current key"
    )]
    Retired {
        /// What was checked.
        what: String,
        /// Short id of the key.
        key: String,
        /// When it was retired, in milliseconds since 1970.
        not_after_ms: u64,
    },
    /// The key is trusted, but it did not sign these bytes.
    #[error(
        "the signature of {what} is invalid: the statement was changed after the key {key} signed it, or the key never signed it"
    )]
    Tampered {
        /// What was checked.
        what: String,
        /// Short id of the key.
        key: String,
    },
    /// A valid signature for something else.
    #[error("{what} carries a valid signature for {found}: the content was replaced, so it is refused")]
    WrongSubject {
        /// What was checked.
        what: String,
        /// What the signature is about.
        found: String,
    },
    /// The envelope or statement cannot be read, for example because it is cut off.
    #[error("the signature of {what} cannot be read: {problem}")]
    Malformed {
        /// What was checked.
        what: String,
        /// The problem.
        problem: String,
    },
    /// A key cannot be added.
    #[error("{0}")]
    Key(String),
}

impl TrustList {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// The JSON is not a valid list.
    pub fn from_json(json: &[u8]) -> Result<Self, TrustError> {
        serde_json::from_slice(json).map_err(|error| TrustError::Key(format!("the list of trusted keys: {error}")))
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// A publisher's keys, revoked ones included.
    #[must_use]
    pub fn keys(&self, publisher: &str) -> &[TrustedKey] {
        self.publishers.get(publisher).map_or(&[], Vec::as_slice)
    }

    /// Trusts a key because a person says so. A known key stays as it is; a revoked key does not become valid again.
    ///
    /// # Errors
    /// The key was revoked, or the publisher has too many keys.
    pub fn add(&mut self, publisher: &Publisher, key: PublicKey, at_ms: u64) -> Result<KeyId, TrustError> {
        self.insert(publisher, key, at_ms, None)
    }

    /// Trusts the next key of a publisher because a trusted key signed it. Returns the new key.
    ///
    /// # Errors
    /// The signature is not trusted, or [`TrustList::add`] fails.
    pub fn accept_key(&mut self, envelope: &[u8], at_ms: u64) -> Result<Signer, TrustError> {
        let what = "the statement of a new key";
        let envelope = read(envelope, what)?;
        let claim = parse(&envelope, what)?;
        let Statement::Key(key) = &claim else {
            return Err(TrustError::WrongSubject { what: what.to_owned(), found: claim.about() });
        };
        let by = self.check_key(&envelope, &claim, what)?;
        let key_id = self.insert(&key.publisher, key.key, at_ms, Some(by))?;
        Ok(Signer { publisher: key.publisher.clone(), key_id })
    }

    /// Revokes a key permanently. Returns whether it was listed and valid until now.
    pub fn revoke(&mut self, publisher: &str, key: &KeyId, at_ms: u64, reason: &str) -> bool {
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(300).collect();
        let found = self.key_mut(publisher, key).filter(|found| found.revoked.is_none());
        found.map(|found| found.revoked = Some(Revocation { at_ms, reason })).is_some()
    }

    /// Retires a key: what it signed until then stays valid. Returns whether it was listed.
    pub fn retire(&mut self, publisher: &str, key: &KeyId, not_after_ms: u64) -> bool {
        self.key_mut(publisher, key).map(|found| found.not_after_ms = Some(not_after_ms)).is_some()
    }

    /// Checks that an envelope (as JSON) is a valid signature on exactly what is expected.
    ///
    /// # Errors
    /// The signature is not trusted; the error says why.
    pub fn verify(&self, envelope: &[u8], expect: Expect<'_>) -> Result<Signer, TrustError> {
        self.verify_dated(envelope, expect).map(|(signer, _)| signer)
    }

    /// Like [`TrustList::verify`], and returns the signing time that the signer states, in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`TrustList::verify`].
    pub fn verify_dated(&self, envelope: &[u8], expect: Expect<'_>) -> Result<(Signer, u64), TrustError> {
        let what = expect.to_string();
        let envelope = read(envelope, &what)?;
        let claim = parse(&envelope, &what)?;
        // What is expected decides whose keys count, never what the envelope says.
        let publisher = expect.package().publisher();
        if claim.publisher() != publisher {
            return Err(TrustError::WrongSubject { what, found: claim.about() });
        }
        let key_id = self.check_key(&envelope, &claim, &what)?;
        if !is_about(&claim, expect) {
            return Err(TrustError::WrongSubject { found: found(&claim, expect), what });
        }
        let publisher = publisher.parse().map_err(TrustError::Key)?;
        Ok((Signer { publisher, key_id }, claim.signed_at_ms()))
    }

    /// Finds the valid key of the statement's publisher that signed the envelope.
    fn check_key(&self, envelope: &Envelope, claim: &Statement, what: &str) -> Result<KeyId, TrustError> {
        let (what, publisher) = (what.to_owned(), claim.publisher().to_owned());
        let keys = self.keys(&publisher);
        if keys.is_empty() {
            return Err(TrustError::UnknownPublisher { publisher });
        }
        let signed: Vec<&TrustedKey> = keys.iter().filter(|trusted| envelope.is_signed_by(&trusted.key)).collect();
        let mut refusal = None;
        for trusted in &signed {
            match trusted.refusal(&what, claim.signed_at_ms()) {
                None => return Ok(trusted.key.id()),
                Some(why) => refusal = refusal.or(Some(why)),
            }
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        // No key signed it: was a statement of a trusted key changed, or is the key unknown?
        let claimed: Vec<KeyId> = envelope.claimed_keys().collect();
        if let Some(known) = claimed.iter().find(|id| keys.iter().any(|trusted| trusted.key.id() == **id)) {
            return Err(TrustError::Tampered { what, key: known.short() });
        }
        let claimed: Vec<String> = claimed.iter().map(KeyId::short).collect();
        let claimed = if claimed.is_empty() { "a key without a name".to_owned() } else { claimed.join(", ") };
        Err(TrustError::UnknownKey { what, publisher, claimed })
    }

    fn insert(
        &mut self,
        publisher: &Publisher,
        key: PublicKey,
        at_ms: u64,
        introduced_by: Option<KeyId>,
    ) -> Result<KeyId, TrustError> {
        let keys = self.publishers.entry(publisher.to_string()).or_default();
        let id = key.id();
        match keys.iter().find(|known| known.key == key) {
            Some(TrustedKey { revoked: Some(revocation), .. }) => Err(TrustError::Key(format!(
                "the key {} was revoked ({}), and a revoked key stays revoked: ask `{publisher}` for a new one",
                id.short(),
                revocation.reason
            ))),
            Some(_) => Ok(id),
            None if keys.len() >= KEYS_MAX => {
                Err(TrustError::Key(format!("`{publisher}` already has {KEYS_MAX} keys, the maximum")))
            }
            None => {
                keys.push(TrustedKey { key, added_at_ms: at_ms, not_after_ms: None, revoked: None, introduced_by });
                Ok(id)
            }
        }
    }

    fn key_mut(&mut self, publisher: &str, key: &KeyId) -> Option<&mut TrustedKey> {
        self.publishers.get_mut(publisher)?.iter_mut().find(|trusted| trusted.key.id() == *key)
    }
}

impl TrustedKey {
    fn refusal(&self, what: &str, signed_at_ms: u64) -> Option<TrustError> {
        let (what, key) = (what.to_owned(), self.key.id().short());
        if let Some(Revocation { at_ms, reason }) = self.revoked.clone() {
            return Some(TrustError::Revoked { what, key, at_ms, reason });
        }
        let not_after_ms = self.not_after_ms.filter(|last| signed_at_ms > *last)?;
        Some(TrustError::Retired { what, key, not_after_ms })
    }
}

fn read(envelope: &[u8], what: &str) -> Result<Envelope, TrustError> {
    Envelope::from_json(envelope)
        .map_err(|error| TrustError::Malformed { what: what.to_owned(), problem: error.to_string() })
}

fn parse(envelope: &Envelope, what: &str) -> Result<Statement, TrustError> {
    Statement::from_payload(envelope.payload_type(), envelope.payload())
        .map_err(|problem| TrustError::Malformed { what: what.to_owned(), problem: format!("the envelope {problem}") })
}

fn is_about(claim: &Statement, expect: Expect<'_>) -> bool {
    match (claim, expect) {
        (Statement::Release(said), Expect::Release { package, version, digest, manifest_digest }) => {
            let Release { package: p, version: v, digest: d, manifest_digest: m, signed_at_ms: _ } = said;
            p == package && v == version && *d == digest && *m == manifest_digest
        }
        (Statement::Index(said), Expect::Index { package, sequence, digest }) => {
            let Index { package: p, sequence: s, digest: d, signed_at_ms: _ } = said;
            p == package && *s == sequence && *d == digest
        }
        _ => false,
    }
}

/// What a valid signature is about, worded so that the difference is visible.
fn found(claim: &Statement, expect: Expect<'_>) -> String {
    let about = claim.about();
    if about == expect.to_string() { format!("different bytes with the name {about}") } else { about }
}
