//! The event sources of one installation: webhook verification, watched folders and schedules, as plain data. A
//! generation stores the JSON form (`ingress_json`). It validates nothing: `config` does before it builds these.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The event sources of one installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IngressSettings {
    /// Webhook verification; none: the installation accepts no webhooks.
    pub hook: Option<HookVerify>,
    /// Watched folders.
    pub folders: Vec<FolderSettings>,
    /// Schedules.
    pub schedules: Vec<ScheduleSettings>,
}

impl IngressSettings {
    /// Serializes to the form that a generation stores.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Structs of strings and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Parses the form that a generation stores. An empty text means no event sources.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }

    /// Names of all secrets that the settings refer to.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        self.hook.as_ref().map(HookVerify::secrets).unwrap_or_default()
    }
}

/// How a webhook's sender is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "verify", deny_unknown_fields)]
pub enum HookVerify {
    /// Not at all: everybody who knows the URL may post.
    None {
        /// The header that identifies a webhook, together with the digest of the body; none: the digest alone does.
        id_header: Option<String>,
    },
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks {
        /// Names of the secrets, any of which may have signed: old and new during a rotation.
        secrets: Vec<String>,
        /// Tolerance between the signed time and the host's clock.
        tolerance_seconds: u64,
    },
    /// An HMAC-SHA256 over the body in a header.
    BodyHmac {
        /// Names of the secrets, any of which may have signed.
        secrets: Vec<String>,
        /// The header, lower-case.
        header: String,
        /// Encoding of the signature.
        encoding: SignatureEncoding,
        /// Prefix of the signature, for example `sha256=` or `<publicKey>:`.
        prefix: String,
        /// The header that identifies a webhook, together with the digest of the body; none: the digest alone does.
        id_header: Option<String>,
    },
    /// A JSON Web Token in `authorization: Bearer`.
    Jwt {
        /// The verification keys.
        keys: JwtKeys,
        /// Allowed algorithms; all must be of the family of the keys.
        algorithms: Vec<JwtAlgorithm>,
        /// Required value of the claim `iss`.
        issuer: String,
        /// The claim `aud` must be or contain this.
        audience: String,
        /// Tolerance of `exp` and `nbf` against the host's clock.
        leeway_seconds: u64,
        /// The header that identifies a webhook, together with the digest of the body; none: the digest alone does.
        id_header: Option<String>,
    },
}

impl HookVerify {
    /// The name of the kind in manifests and settings.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None { .. } => "none",
            Self::StandardWebhooks { .. } => "standard-webhooks",
            Self::BodyHmac { .. } => "body-hmac",
            Self::Jwt { .. } => "jwt",
        }
    }

    /// The header with the sender's id of a webhook, if there is one.
    #[must_use]
    pub fn id_header(&self) -> Option<&str> {
        match self {
            Self::StandardWebhooks { .. } => Some("webhook-id"),
            Self::None { id_header } | Self::BodyHmac { id_header, .. } | Self::Jwt { id_header, .. } => {
                id_header.as_deref()
            }
        }
    }

    /// Names of the secrets that it uses.
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

/// Encoding of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Hexadecimal, either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// The verification keys of tokens.
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
#[expect(missing_docs, reason = "RFC 7518 defines the names")]
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
    /// Absolute path of the folder for taken and refused files; none: below the host's data folder.
    #[serde(default)]
    pub archive: Option<PathBuf>,
    /// File names to accept: `*` any characters, `?` one; case-insensitive.
    pub pattern: String,
    /// Media type of the files; none: derived from the file extension.
    pub content_type: Option<String>,
    /// How long size and time of a file must stay unchanged before it counts as complete.
    pub settle_ms: u64,
    /// How long delivered files stay in `done/`.
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
    /// Longest random delay of a tick, so that many installations do not start at once.
    pub jitter_ms: u64,
}

/// When a schedule ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScheduleWhen {
    /// A cron pattern of five fields, in local time.
    Cron(String),
    /// Interval in milliseconds of elapsed time, counted from 1970 in UTC.
    EveryMs(u64),
}
