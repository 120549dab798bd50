//! Why a webhook is not verified: a word for lists and metrics, and a sentence for the operator. Senders get neither: a
//! forger must not learn how close a forgery was.

/// Why a webhook is not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct VerifyError {
    /// The kind.
    pub reason: Reason,
    /// For the operator: what was found and what was expected. Never a secret or the correct signature.
    pub detail: String,
}

impl VerifyError {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A required header is missing.
    HeaderMissing,
    /// A header that must be there once is there more often.
    HeaderRepeated,
    /// A header has another form than expected.
    HeaderMalformed,
    /// The signature does not begin with the expected prefix.
    WrongPrefix,
    /// The signature is not Base64.
    BadBase64,
    /// The signature is not hexadecimal.
    BadHex,
    /// No secret or key gives this signature.
    WrongSignature,
    /// The body could be read as a part of the signed text, so that the signature would hold for two requests.
    AmbiguousBody,
    /// The signed time is too far in the past.
    TooOld,
    /// The signed time is too far in the future.
    InTheFuture,
    /// The token is not a signed JSON Web Token.
    BadToken,
    /// The token's header has a parameter that is not understood.
    TokenParameter,
    /// The token's algorithm is not in the list of the settings.
    WrongAlgorithm,
    /// No key fits the token.
    UnknownKey,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The token was issued by another party.
    WrongIssuer,
    /// The token is meant for another party.
    WrongAudience,
    /// A claim of the token is missing or has another type than expected.
    BadClaim,
    /// The host cannot verify: secrets or the key file are unusable. The operator has to act, not the sender.
    Unable,
}

impl Reason {
    /// A stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::HeaderMissing => "header-missing",
            Self::HeaderRepeated => "header-repeated",
            Self::HeaderMalformed => "header-malformed",
            Self::WrongPrefix => "wrong-prefix",
            Self::BadBase64 => "bad-base64",
            Self::BadHex => "bad-hex",
            Self::WrongSignature => "wrong-signature",
            Self::AmbiguousBody => "ambiguous-body",
            Self::TooOld => "too-old",
            Self::InTheFuture => "in-the-future",
            Self::BadToken => "bad-token",
            Self::TokenParameter => "token-parameter",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::UnknownKey => "unknown-key",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongAudience => "wrong-audience",
            Self::BadClaim => "bad-claim",
            Self::Unable => "unable",
        }
    }
}

/// A sender's text within a sentence: short, and without control characters.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 80;
    let clean: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if clean.len() < text.len() && text.chars().count() > SHOWN_MAX { format!("{clean}…") } else { clean }
}
