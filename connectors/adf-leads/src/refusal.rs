//! Why a document, or one prospect in it, is refused. Codes are a published promise: never rename one.
//!
//! Messages name the place and what to do. They must not quote what a customer wrote: they end up in logs.

use crate::warnings::printable;

/// One refusal: a stable code and a message that names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal; metrics count by it.
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

/// The kinds of refusal, in the order in which a document meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// More bytes or elements than the limits allow.
    TooLarge,
    /// Bytes that are no text in any encoding that can be told.
    Undecodable,
    /// A mail that is encrypted or opaquely signed.
    MailEncrypted,
    /// A mail whose structure cannot be read.
    MailUnreadable,
    /// A DOCTYPE with an internal subset, or an entity declaration.
    EntityDeclaration,
    /// Nothing that looks like ADF.
    NotFound,
    /// Ends before its outermost element does.
    Truncated,
    /// Broken in a way that cannot be repaired without guessing.
    Malformed,
    /// Elements nested deeper than any lead needs.
    TooDeep,
    /// More prospects than configured.
    TooManyProspects,
    /// An `<adf>` without `<prospect>`.
    NoProspect,
    /// A prospect for a dealer that is not in `accepted-vendor-ids`.
    OtherVendor,
    /// A prospect without a name and without any way to reach the person.
    WithoutContact,
}

impl RefusalCode {
    /// Every code, so that documentation can be checked against the program.
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

    /// The code as it is written in metrics, dead letters and the README.
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
