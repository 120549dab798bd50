//! What publishers state: in-toto statements (v1) with predicates of our own. It says what was signed; `TrustList`
//! decides whether to trust it.

use super::{Envelope, PublicKey, Publisher, SigningKey};
use crate::Digest;
use crate::index::SEQUENCE_MAX;
use crate::manifest::{PackageName, Version, printable};
use serde::{Deserialize, Serialize};

/// Type of a DSSE payload that is an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Type of the statement (in-toto attestation framework, v1).
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// This version has these bytes.
    Release(Release),
    /// This is the package's list of releases.
    Index(Index),
    /// This key also belongs to me.
    Key(Key),
    /// I ask a registry for this name.
    Namespace(Namespace),
    /// I ask a registry how often the versions of my package failed.
    FailureCounts(FailureCounts),
}

/// A statement about a release. The subject is the OCI manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// Digest of the component.
    pub digest: Digest,
    /// Digest of the OCI manifest that holds it.
    pub manifest_digest: Digest,
    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    pub signed_at_ms: u64,
}

/// A statement about an index. The subject is the index's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Index {
    /// The package.
    pub package: PackageName,
    /// The sequence number of the index.
    pub sequence: u64,
    /// Digest of its JSON.
    pub digest: Digest,
    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    pub signed_at_ms: u64,
}

/// A publisher's next key, signed with one that is already trusted. The subject is the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The publisher.
    pub publisher: Publisher,
    /// The key.
    pub key: PublicKey,
    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    pub signed_at_ms: u64,
}

/// Longest contact in a request for a namespace, in characters.
pub const CONTACT_CHARS_MAX: usize = 200;

/// A request for a namespace at one registry, signed with the key that is to own it. The subject is the key. It proves
/// that the sender has the key, and nothing about the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespace {
    /// The name.
    pub publisher: Publisher,
    /// The key.
    pub key: PublicKey,
    /// The registry's host, with its port if it is not the usual one: a request cannot be repeated elsewhere.
    pub registry: String,
    /// How the registry's administrator reaches the publisher.
    pub contact: String,
    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    pub signed_at_ms: u64,
}

/// A question for the failure counts of a package, signed with a key of its publisher. The subject is the package's name
/// with the digest of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureCounts {
    /// The package.
    pub package: PackageName,
    /// The key.
    pub key: PublicKey,
    /// The registry's host, as in [`Namespace`].
    pub registry: String,
    /// The number of days, ending today (UTC).
    pub days: u16,
    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    pub signed_at_ms: u64,
}

impl Statement {
    /// Signs it.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Envelope {
        Envelope::sign(PAYLOAD_TYPE, self.to_json(), key)
    }

    /// When it was signed, by the signer's own clock, in milliseconds since 1970.
    #[must_use]
    pub const fn signed_at_ms(&self) -> u64 {
        match self {
            Self::Release(release) => release.signed_at_ms,
            Self::Index(index) => index.signed_at_ms,
            Self::Key(key) => key.signed_at_ms,
            Self::Namespace(request) => request.signed_at_ms,
            Self::FailureCounts(question) => question.signed_at_ms,
        }
    }

    /// The publisher that must have signed it.
    #[must_use]
    pub fn publisher(&self) -> &str {
        match self {
            Self::Release(release) => release.package.publisher(),
            Self::Index(index) => index.package.publisher(),
            Self::Key(key) => key.publisher.as_str(),
            Self::Namespace(request) => request.publisher.as_str(),
            Self::FailureCounts(question) => question.package.publisher(),
        }
    }

    /// What it is about, in words.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::Release(release) => format!("{} {}", release.package, release.version),
            Self::Index(index) => format!("index {} of {}", index.sequence, index.package),
            Self::Key(key) => format!("key {} of {}", key.key.id().short(), key.publisher),
            Self::Namespace(request) => format!("a request for the namespace {}", request.publisher),
            Self::FailureCounts(question) => format!("the failure counts of {}", question.package),
        }
    }

    /// Serializes to JSON. Equal statements give equal bytes.
    fn to_json(&self) -> Vec<u8> {
        let (name, digest) = self.subject();
        let wire = WireRef { kind: STATEMENT_TYPE, subject: [Subject::of(name, digest)], predicate: self.into() };
        // Serializing strings and numbers into memory cannot fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// The signing time that an envelope claims, in milliseconds since 1970; none if it contains no statement. For
    /// display only: nothing is verified.
    #[must_use]
    pub fn claimed_at_ms(envelope: &Envelope) -> Option<u64> {
        Self::claimed(envelope).ok().map(|claim| claim.signed_at_ms())
    }

    /// What an envelope claims to state. Nothing is verified: only [`TrustList`](super::TrustList) decides whether to
    /// trust it.
    ///
    /// # Errors
    /// The envelope contains no statement. The text says what it contains instead.
    pub fn claimed(envelope: &Envelope) -> Result<Self, String> {
        Self::from_payload(envelope.payload_type(), envelope.payload())
    }

    /// Reads the payload of an envelope.
    pub(super) fn from_payload(payload_type: &str, payload: &[u8]) -> Result<Self, String> {
        if payload_type != PAYLOAD_TYPE {
            return Err(format!("has a payload that is not an in-toto statement (`{PAYLOAD_TYPE}`)"));
        }
        let wire: Wire = serde_json::from_slice(payload)
            .map_err(|error| format!("contains an unknown statement: {}", printable(&error.to_string(), 200)))?;
        if wire.kind != STATEMENT_TYPE {
            return Err(format!("does not contain a statement of the type `{STATEMENT_TYPE}`"));
        }
        let statement: Self = wire.predicate.into();
        if let Self::Index(index) = &statement
            && !(1..=SEQUENCE_MAX).contains(&index.sequence)
        {
            return Err(format!(
                "is about an index with the sequence {}, expected 1 to {SEQUENCE_MAX}",
                index.sequence
            ));
        }
        if let Self::Namespace(request) = &statement
            && (request.contact.chars().count() > CONTACT_CHARS_MAX || request.contact.chars().any(char::is_control))
        {
            return Err(format!("has a contact that is not one line of at most {CONTACT_CHARS_MAX} characters"));
        }
        let (name, digest) = statement.subject();
        if wire.subject == [Subject::of(name, digest)] {
            Ok(statement)
        } else {
            Err("has a subject that differs from its predicate".to_owned())
        }
    }

    fn subject(&self) -> (String, Digest) {
        match self {
            Self::Release(release) => (release.package.to_string(), release.manifest_digest),
            Self::Index(index) => (index.package.to_string(), index.digest),
            Self::Key(key) => (key.publisher.to_string(), Digest::of(key.key.as_bytes())),
            Self::Namespace(request) => (request.publisher.to_string(), Digest::of(request.key.as_bytes())),
            Self::FailureCounts(question) => (question.package.to_string(), Digest::of(question.key.as_bytes())),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(flatten)]
    predicate: Predicate,
}

#[derive(Serialize)]
struct WireRef {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject; 1],
    #[serde(flatten)]
    predicate: Predicate,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

/// A digest set; only sha256 is used.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: String,
}

impl Subject {
    fn of(name: String, digest: Digest) -> Self {
        Self { name, digest: SubjectDigest { sha256: digest.hex() } }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "predicateType", content = "predicate")]
enum Predicate {
    #[serde(rename = "urn:handoff:predicate:release:v1")]
    Release(Release),
    #[serde(rename = "urn:handoff:predicate:index:v1")]
    Index(Index),
    #[serde(rename = "urn:handoff:predicate:key:v1")]
    Key(Key),
    #[serde(rename = "urn:handoff:predicate:namespace:v1")]
    Namespace(Namespace),
    #[serde(rename = "urn:handoff:predicate:failure-counts:v1")]
    FailureCounts(FailureCounts),
}

impl From<&Statement> for Predicate {
    fn from(statement: &Statement) -> Self {
        match statement {
            Statement::Release(release) => Self::Release(release.clone()),
            Statement::Index(index) => Self::Index(index.clone()),
            Statement::Key(key) => Self::Key(key.clone()),
            Statement::Namespace(request) => Self::Namespace(request.clone()),
            Statement::FailureCounts(question) => Self::FailureCounts(question.clone()),
        }
    }
}

impl From<Predicate> for Statement {
    fn from(predicate: Predicate) -> Self {
        match predicate {
            Predicate::Release(release) => Self::Release(release),
            Predicate::Index(index) => Self::Index(index),
            Predicate::Key(key) => Self::Key(key),
            Predicate::Namespace(request) => Self::Namespace(request),
            Predicate::FailureCounts(question) => Self::FailureCounts(question),
        }
    }
}
