//! What a connector accepts, emits and requests. People write it as `connector.toml`; the component carries it as JSON
//! in the custom section `handoff:manifest`. Both forms have the same fields; unknown fields are refused, and every
//! field has a limit.

mod config_schema;
mod rules;
mod text;
mod version;

pub use config_schema::{ConfigSchema, SchemaViolation};
pub use rules::printable;
pub use rules::{ConfigField, EventType, HostPattern, License, Name, PackageName, Summary, Title};
pub use version::Version;

use crate::PathPattern;
use rules::{BoundedList, NonEmptyList};
use serde::{Deserialize, Serialize};

/// Event types that only the host emits: a connector that emitted them could forge a webhook or an answer.
pub const HOST_EVENT_TYPES: [&str; 4] =
    [HOOK_RECEIVED, "com.handoff.file.dropped.v1", "com.handoff.schedule.ticked.v1", "com.handoff.outbox.answered.v1"];

/// The type under which a webhook arrives.
pub const HOOK_RECEIVED: &str = "com.handoff.hook.received.v1";

/// The manifest of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Name, version and texts for people.
    pub package: PackageInfo,
    /// Event types that it accepts and emits.
    pub events: Events,
    /// Present if it accepts webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// Targets of its HTTP requests, at most 32. Empty: it sends none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "BoundedList::<_, 32>::read")]
    pub http: Vec<HttpTarget>,
    /// Its state.
    #[serde(default)]
    pub state: StateInfo,
    /// Its config. If absent, any config is allowed and only `validate` checks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigInfo>,
    /// Its failures.
    #[serde(default, skip_serializing_if = "FailuresInfo::is_empty")]
    pub failures: FailuresInfo,
}

/// Name, version and texts for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PackageInfo {
    /// `publisher/name`.
    pub name: PackageName,
    /// Semantic version (semver 2.0.0) without build metadata.
    pub version: Version,
    /// Title of at most 80 characters.
    pub title: Title,
    /// Summary for dealers: one sentence of at most 300 characters.
    pub summary: Summary,
    /// SPDX license expression, at most 100 characters.
    pub license: License,
}

/// Event types that it accepts and emits, at most 64 each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Events {
    /// Types that are delivered to it; at least one.
    #[serde(deserialize_with = "NonEmptyList::<_, 64>::read")]
    pub accepts: Vec<EventType>,
    /// Types that it may emit.
    #[serde(default, deserialize_with = "BoundedList::<_, 64>::read")]
    pub emits: Vec<EventType>,
}

/// Webhook settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hook {
    /// Verification methods that it supports, at least one; the operator chooses.
    #[serde(deserialize_with = "NonEmptyList::<_, 3>::read")]
    pub verify: Vec<Verify>,
}

/// How a webhook's sender is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks,
    /// An HMAC over the body in a header field.
    BodyHmac,
    /// A JSON Web Token (RFC 7519) as a bearer token.
    Jwt,
}

/// A target of HTTP requests. The operator grants it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpTarget {
    /// Name that grants refer to.
    pub name: Name,
    /// An exact host, or `*`: the operator names the host in the grant.
    pub host: HostPattern,
    /// Methods; at least one.
    #[serde(deserialize_with = "NonEmptyList::<_, 6>::read")]
    pub methods: Vec<Method>,
    /// Path patterns; at least one, at most 64.
    #[serde(deserialize_with = "NonEmptyList::<_, 64>::read")]
    pub paths: Vec<PathPattern>,
    /// Paths that `http.fetch` may request with an unsafe method (a search, a token). At most 64.
    #[serde(
        default,
        rename(serialize = "lookUps"),
        alias = "lookUps",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "BoundedList::<_, 64>::read"
    )]
    pub look_ups: Vec<PathPattern>,
    /// Names of auth profiles that it may use. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "BoundedList::<_, 16>::read")]
    pub auth: Vec<Name>,
    /// Config fields that hold base URLs of requests to it, so that the host can check the grants before the first event.
    /// At most 16.
    #[serde(
        default,
        rename(serialize = "configUrls"),
        alias = "configUrls",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "BoundedList::<_, 16>::read"
    )]
    pub config_urls: Vec<ConfigField>,
    /// Tells the operator what the target is for; at most 300 characters.
    pub why: Summary,
}

/// An HTTP method that a connector may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110, section 9.3, and RFC 5789 define them")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The name in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The connector's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StateInfo {
    /// Version of the state's schema, from 1. If it is higher than the stored state's, the host calls `migrate`.
    #[serde(deserialize_with = "rules::schema")]
    pub schema: u32,
}

impl Default for StateInfo {
    fn default() -> Self {
        Self { schema: 1 }
    }
}

/// The connector's config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConfigInfo {
    /// JSON Schema of a config. In `connector.toml`, a table or the name of a JSON file beside it.
    pub schema: ConfigSchema,
}

/// The connector's failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailuresInfo {
    /// Codes that a host may count by name for the publisher, at most 64. All others are counted together.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "BoundedList::<_, 64>::read")]
    pub codes: Vec<Name>,
}

impl FailuresInfo {
    fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

/// A manifest is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The error is in `connector.toml`.
    #[error("connector.toml:{line}:{column}: {}{message}", text::field_prefix(field))]
    Toml {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Path of the field, such as `http[0].paths[1]`; empty if the file is not TOML.
        field: String,
        /// What was found and expected.
        message: String,
    },
    /// The error is in the section of a component.
    #[error("section `handoff:manifest`: {}{message}", text::field_prefix(field))]
    Json {
        /// Path of the field; empty if the section is not JSON.
        field: String,
        /// What was found and expected.
        message: String,
    },
    /// The manifest is too large.
    #[error("the manifest has {bytes} bytes; at most {max} are allowed")]
    TooLarge {
        /// Actual size.
        bytes: usize,
        /// Limit.
        max: usize,
    },
}

impl Manifest {
    /// Size limit of either form, in bytes.
    pub const BYTES_MAX: usize = 64 * 1024;

    /// Reads a `connector.toml` that refers to no other file.
    ///
    /// # Errors
    /// Names line, column and field, and what was expected.
    pub fn from_toml(source: &str) -> Result<Self, ManifestError> {
        Self::from_toml_with(source, |_| Err("other files are not available here".to_owned()))
    }

    /// Reads `connector.toml`; `file` returns the text of a file beside it.
    ///
    /// # Errors
    /// Names line, column and field, and what was expected.
    pub fn from_toml_with(
        source: &str,
        file: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, ManifestError> {
        text::from_toml(source, file)
    }

    /// Reads the JSON of the section `handoff:manifest`.
    ///
    /// # Errors
    /// Names the field and what was expected.
    pub fn from_json(json: &[u8]) -> Result<Self, ManifestError> {
        text::from_json(json)
    }

    /// Serializes to the JSON of the section. Equal manifests give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serializing strings, numbers and lists into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
