//! The publishers that a host trusts, their keys, and the verdict on an envelope. Keeps no file: whoever holds the list stores it.

use super::statement::{Index, Release};
use super::{Envelope, KeyId, PublicKey, Publisher, Statement};
use crate::Digest;
use crate::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Keys that one publisher may have, old ones included.
const KEYS_MAX: usize = 32;

/// Who is trusted, with which keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustList {
    /// A publisher's keys, in the order in which they came.
    pub publishers: BTreeMap<String, Vec<TrustedKey>>,
}

/// A key of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// Since when it is trusted here, in milliseconds since 1970.
    pub added_at_ms: u64,
    /// Retired: what says it was signed later than this is refused, what was signed before stays good. A signer's clock is
    /// believed here, so a key that got into wrong hands is to be revoked instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after_ms: Option<u64>,
    /// Revoked: nothing signed with it is good any more, whenever it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// The key that introduced it by a signed statement; none: a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_by: Option<KeyId>,
}

/// That a key is no longer trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why, for people.
    pub reason: String,
}

/// Whose signature holds.
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

/// What a signature has to be about.
#[derive(Debug, Clone, Copy)]
pub enum Expect<'a> {
    /// A release.
    Release {
        /// Which package.
        package: &'a PackageName,
        /// Which version.
        version: &'a Version,
        /// Digest of its component.
        digest: Digest,
        /// Digest of its OCI manifest.
        manifest_digest: Digest,
    },
    /// The list of a package's releases.
    Index {
        /// Which package.
        package: &'a PackageName,
        /// The number in the list.
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

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no signature at all.
    #[error("{what} is not signed: ask the publisher to publish it with `handoff publish`, which signs")]
    Unsigned {
        /// What was looked at.
        what: String,
    },
    /// Nobody of that name is trusted here.
    #[error(
        "nobody is trusted as publisher `{publisher}`: get the publisher's key from the publisher and add it with `handoff trust add {publisher} KEY`"
    )]
    UnknownPublisher {
        /// Who would have to be trusted.
        publisher: String,
    },
    /// Signed, by a key that is not on the list.
    #[error(
        "{what} is signed by {claimed}, which is no trusted key of `{publisher}`: if it is the publisher's new key, add it with `handoff trust add {publisher} KEY`"
    )]
    UnknownKey {
        /// What was looked at.
        what: String,
        /// Who would have to have signed.
        publisher: String,
        /// The keys that the envelope names.
        claimed: String,
    },
    /// The list that a publisher wants to go on with is signed by another key than the publisher's own.
    #[error(
        "{what} is signed by {claimed}, not with your key: if that is an earlier key of yours, name the file with its public half with \
         `--earlier-key`, and the list is signed with your present key from then on; if it is nobody's of yours, ask who else publishes \
         under this name"
    )]
    NotYourKey {
        /// What was looked at.
        what: String,
        /// The keys that the envelope names.
        claimed: String,
    },
    /// Signed with a key that was revoked.
    #[error(
        "{what} is signed with the key {key}, which was revoked: {reason}; ask the publisher to publish the same file again with a good key, which puts its signature beside"
    )]
    Revoked {
        /// What was looked at.
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
        /// What was looked at.
        what: String,
        /// Short id of the key.
        key: String,
        /// When it was retired, in milliseconds since 1970.
        not_after_ms: u64,
    },
    /// The named key is trusted, and did not sign these bytes.
    #[error(
        "the signature of {what} is wrong: the signed statement was changed after the key {key} signed it, or never was signed by it"
    )]
    Tampered {
        /// What was looked at.
        what: String,
        /// Short id of the key.
        key: String,
    },
    /// A good signature, on something else.
    #[error("{what} carries a good signature of {found}: something was put in its place, so it is refused")]
    WrongSubject {
        /// What was looked at.
        what: String,
        /// What the signature is about.
        found: String,
    },
    /// The envelope or statement cannot be read; cut off, for instance.
    #[error("the signature of {what} cannot be read: {problem}")]
    Malformed {
        /// What was looked at.
        what: String,
        /// What is wrong with it.
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
    /// Says what is wrong.
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

    /// Trusts a key, by a person's word. A key that is there already stays as it is: a revoked one does not come back this way.
    ///
    /// # Errors
    /// The key was revoked, or the publisher has too many keys.
    pub fn add(&mut self, publisher: &Publisher, key: PublicKey, at_ms: u64) -> Result<KeyId, TrustError> {
        self.insert(publisher, key, at_ms, None)
    }

    /// Trusts the next key of a publisher because a trusted key says so. Returns it.
    ///
    /// # Errors
    /// As for any signature, and as [`TrustList::add`].
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

    /// Revokes a key for good. Says whether it was there and good until now.
    pub fn revoke(&mut self, publisher: &str, key: &KeyId, at_ms: u64, reason: &str) -> bool {
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(300).collect();
        let found = self.key_mut(publisher, key).filter(|found| found.revoked.is_none());
        found.map(|found| found.revoked = Some(Revocation { at_ms, reason })).is_some()
    }

    /// Retires a key: what it signed until then stays good. Says whether it was there.
    pub fn retire(&mut self, publisher: &str, key: &KeyId, not_after_ms: u64) -> bool {
        self.key_mut(publisher, key).map(|found| found.not_after_ms = Some(not_after_ms)).is_some()
    }

    /// Whether an envelope (its JSON) is a good signature on exactly what is expected.
    ///
    /// # Errors
    /// Says exactly why not.
    pub fn verify(&self, envelope: &[u8], expect: Expect<'_>) -> Result<Signer, TrustError> {
        self.verify_dated(envelope, expect).map(|(signer, _)| signer)
    }

    /// The same, and when the signer says to have signed, in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`TrustList::verify`].
    pub fn verify_dated(&self, envelope: &[u8], expect: Expect<'_>) -> Result<(Signer, u64), TrustError> {
        let what = expect.to_string();
        let envelope = read(envelope, &what)?;
        let claim = parse(&envelope, &what)?;
        // Whose keys count is decided by what is expected, never by what the envelope says.
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

    /// Which good key of the statement's publisher signed the envelope.
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
        // Nobody signed it: is it one of ours that was changed, or a stranger's?
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
            None if keys.len() >= KEYS_MAX => Err(TrustError::Key(format!(
                "`{publisher}` has {KEYS_MAX} keys already, which is the most that are kept"
            ))),
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

/// What a good signature is about, with the difference in view.
fn found(claim: &Statement, expect: Expect<'_>) -> String {
    let about = claim.about();
    if about == expect.to_string() { format!("other bytes under the name {about}") } else { about }
}
