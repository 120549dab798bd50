//! Why a document, or one of its prospects, is refused. Codes are a public interface: never rename one.
//!
//! Messages name the location and what to do. They must not quote what a customer wrote: they are logged.

use crate::warnings::printable;

/// A refusal: a stable code and a message that names the location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind of refusal; metrics count by it.
    pub code: RefusalCode,
    /// What was expected, where, and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and message.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: printable(message.into()) }
    }
}

/// The kinds of refusal, in the order in which they are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// More bytes or elements than the limits allow.
    TooLarge,
    /// Bytes that are not text in any detectable encoding.
    Undecodable,
    /// A mail that is encrypted or opaquely signed.
    MailEncrypted,
    /// A mail whose structure cannot be read.
    MailUnreadable,
    /// A DOCTYPE with an internal subset, or an entity declaration.
    EntityDeclaration,
    /// Nothing resembles ADF.
    NotFound,
    /// The document ends before its outermost element does.
    Truncated,
    /// The document cannot be repaired without guessing.
    Malformed,
    /// Elements nested deeper than any lead needs.
    TooDeep,
    /// More prospects than configured.
    TooManyProspects,
    /// An `<adf>` without `<prospect>`.
    NoProspect,
    /// A prospect for a dealer that is not in `accepted-vendor-ids`.
    OtherVendor,
    /// A prospect without a name and without contact data.
    WithoutContact,
}

impl RefusalCode {
    /// All codes, for checking the documentation.
    pub const ALL: [Self; 13] = [
        Self::TooLarge,
        Self::Undecodable,
        Self::MailEncrypted,
        Self::MailUnreadable,
        Self::EntityDeclaration,
        Self::NotFound,
        Self::Truncated,
        Self::Malformed,
        Self::TooDeep,
        Self::TooManyProspects,
        Self::NoProspect,
        Self::OtherVendor,
        Self::WithoutContact,
    ];

    /// The code in metrics, dead letters and the README.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "adf-too-large",
            Self::Undecodable => "adf-undecodable",
            Self::MailEncrypted => "mail-encrypted",
            Self::MailUnreadable => "mail-unreadable",
            Self::EntityDeclaration => "adf-entity-declaration",
            Self::NotFound => "adf-not-found",
            Self::Truncated => "adf-truncated",
            Self::Malformed => "adf-malformed",
            Self::TooDeep => "adf-too-deep",
            Self::TooManyProspects => "adf-too-many-prospects",
            Self::NoProspect => "adf-no-prospect",
            Self::OtherVendor => "lead-for-other-vendor",
            Self::WithoutContact => "lead-without-contact",
        }
    }
}
