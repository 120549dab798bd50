//! How events reach one installation: its webhook's verification, watched folders and schedules, as plain data. The JSON
//! form is kept in the generation (`ingress_json`). Checks nothing: `config` does, before it builds these.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything about the ways in of one installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IngressSettings {
    /// How webhooks are verified; none: the installation takes no webhooks.
    pub hook: Option<HookVerify>,
    /// Watched folders.
    pub folders: Vec<FolderSettings>,
    /// Schedules.
    pub schedules: Vec<ScheduleSettings>,
}

impl IngressSettings {
    /// The form that a generation keeps.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain structs of texts and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the form that a generation keeps. An empty text means no ways in.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }

    /// Names of all secrets that the settings refer to.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        self.hook.as_ref().map(HookVerify::secrets).unwrap_or_default()
    }
}

/// How a webhook proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "verify", deny_unknown_fields)]
pub enum HookVerify {
    /// It does not: whoever knows the URL may post.
    None {
        /// The header whose value identifies a webhook; none: the body's digest does.
        id_header: Option<String>,
    },
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks {
        /// Names of the secrets, any of which may have signed: old and new while they rotate.
        secrets: Vec<String>,
        /// How far the signed time may lie from the host's clock.
        tolerance_seconds: u64,
    },
    /// An HMAC-SHA256 over the body in a header.
    BodyHmac {
        /// Names of the secrets, any of which may have signed.
        secrets: Vec<String>,
        /// The header, lower-case.
        header: String,
        /// How the signature is written.
        encoding: SignatureEncoding,
        /// What stands before the signature, for example `sha256=` or `<publicKey>:`.
        prefix: String,
        /// The header whose value identifies a webhook; none: the body's digest does.
        id_header: Option<String>,
    },
    /// A JSON Web Token in `authorization: Bearer`.
    Jwt {
        /// Where the keys are.
        keys: JwtKeys,
        /// Algorithms that may be used; all of the family that the keys have.
        algorithms: Vec<JwtAlgorithm>,
        /// The claim `iss` must be this.
        issuer: String,
        /// The claim `aud` must be or hold this.
        audience: String,
        /// How far `exp` and `nbf` may lie from the host's clock.
        leeway_seconds: u64,
        /// The header whose value identifies a webhook; none: the body's digest does.
        id_header: Option<String>,
    },
}

impl HookVerify {
    /// The kind's word in manifests and settings.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None { .. } => "none",
            Self::StandardWebhooks { .. } => "standard-webhooks",
            Self::BodyHmac { .. } => "body-hmac",
            Self::Jwt { .. } => "jwt",
        }
    }

    /// Names of the secrets it refers to.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::None { .. } => Vec::new(),
            Self::StandardWebhooks { secrets, .. }
            | Self::BodyHmac { secrets, .. }
            | Self::Jwt { keys: JwtKeys::Secrets { secrets }, .. } => secrets.iter().map(String::as_str).collect(),
            Self::Jwt { .. } => Vec::new(),
        }
    }
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Hexadecimal, either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// Where the keys of tokens are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "from", deny_unknown_fields)]
pub enum JwtKeys {
    /// A JSON Web Key Set in a file. Read again when the file changes.
    JwksFile {
        /// Absolute path.
        path: PathBuf,
    },
    /// One public key as PEM in a file.
    PublicKeyFile {
        /// Absolute path.
        path: PathBuf,
    },
    /// Shared secrets (HS256 and its family).
    Secrets {
        /// Their names.
        secrets: Vec<String>,
    },
}

/// Signature algorithms of tokens (RFC 7518 section 3.1). `none` does not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and say all")]
pub enum JwtAlgorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// A folder in which another system drops files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FolderSettings {
    /// Unique in the installation; part of the events' source.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
    /// File names to take: `*` any characters, `?` one; letters match in either case.
    pub pattern: String,
    /// Media type of the files; none: from the file name's ending.
    pub content_type: Option<String>,
    /// How long size and time of a file must stay unchanged before it counts as complete.
    pub settle_ms: u64,
    /// How long delivered files are kept in `done/`.
    pub done_days: u32,
}

/// A schedule in the rooftop's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Unique in the installation; part of the events' source.
    pub name: String,
    /// When it ticks.
    pub when: ScheduleWhen,
    /// Ticks are delivered up to this much later, so that many installations do not start at once.
    pub jitter_ms: u64,
}

/// When a schedule ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScheduleWhen {
    /// A cron pattern of five fields, in local time.
    Cron(String),
    /// Every so many milliseconds of elapsed time, counted from 1970 in UTC.
    EveryMs(u64),
}
