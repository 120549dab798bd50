//! What the operator sets for HTTP out: the sections `[auth.NAME]`, `[hosts."NAME"]` and `[egress]` of handoff.toml.
//! Plain data and its checks; reads no secret and opens no file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::limits::CallLimits;
use crate::model::names::AuthProfileName;
use crate::secrets::Secrets;

use super::policy::fields;

/// Everything that egress is made from.
#[derive(Clone, Debug)]
pub struct EgressOptions {
    /// `[auth.NAME]`.
    pub auth: BTreeMap<AuthProfileName, AuthProfile>,
    /// `[secrets.NAME]`, shared with whoever else needs them.
    pub secrets: Secrets,
    /// `[hosts."api.example.com"]` or `[hosts."api.example.com:8443"]`; `[hosts."*"]` is for all others.
    pub hosts: BTreeMap<String, HostOptions>,
    /// `[egress]`.
    pub client: ClientOptions,
    /// `[limits.call]`.
    pub limits: CallLimits,
}

/// One auth profile: how the host proves to a target who is calling. Connectors know its name only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum AuthProfile {
    /// HTTP Basic (RFC 7617), in UTF-8.
    Basic {
        /// User name, without a colon.
        username: String,
        /// Name of the secret with the password.
        secret: String,
    },
    /// A fixed bearer token (RFC 6750).
    Bearer {
        /// Name of the secret with the token.
        secret: String,
    },
    /// A key in a field of its own.
    ApiKey {
        /// The field, for example `api_key`.
        header: String,
        /// Name of the secret with the key.
        secret: String,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth2ClientCredentials(OAuth2Options),
    /// WS-Security UsernameToken (OASIS WSS UsernameToken Profile 1.0) in the SOAP header of the body.
    WsSecurity {
        /// User name.
        username: String,
        /// Name of the secret with the password.
        secret: String,
        /// Whether the password travels as it is or as a digest.
        #[serde(default)]
        password: WsPassword,
    },
    /// A keyed hash of the body in a field, for example DealerSocket's `Authentication`.
    Hmac(HmacOptions),
}

/// A client of a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OAuth2Options {
    /// The token endpoint. `https`, unless `private-addresses` is true.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// Name of the secret with the client's secret.
    pub secret: String,
    /// Scopes, separated by spaces.
    #[serde(default)]
    pub scope: Option<String>,
    /// The parameter `audience`, which some servers ask for.
    #[serde(default)]
    pub audience: Option<String>,
    /// Further parameters of the token request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How the client proves itself.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// True if the endpoint is inside the own network; then `http` is allowed too.
    #[serde(default)]
    pub private_addresses: bool,
}

/// How an OAuth 2.0 client proves itself (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// HTTP Basic: what every server must support.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the body.
    Post,
}

/// Form of a WS-Security password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WsPassword {
    /// `PasswordText`: as it is; safe under TLS only.
    #[default]
    Text,
    /// `PasswordDigest`: base64 of SHA-1 over nonce, time and password.
    Digest,
}

/// A signature of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HmacOptions {
    /// The field that carries it, for example `Authentication`.
    pub header: String,
    /// The public half of the key pair, where `format` names it.
    #[serde(default)]
    pub public: String,
    /// Name of the secret half.
    pub secret: String,
    /// The hash.
    #[serde(default)]
    pub algorithm: HmacAlgorithm,
    /// How the hash is written.
    #[serde(default)]
    pub encoding: HmacEncoding,
    /// The field's value; `{public}` and `{signature}` are filled in.
    #[serde(default = "signature_alone")]
    pub format: String,
}

fn signature_alone() -> String {
    "{signature}".to_owned()
}

/// Keyed hashes (RFC 2104).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    HmacSha256,
}

/// How a hash is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacEncoding {
    /// Standard alphabet with padding.
    #[default]
    Base64,
    /// Lower-case hexadecimal.
    Hex,
}

/// How hard one target may be used, over all installations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostOptions {
    /// Requests per second in the long run, for example 0.5; none means no budget.
    pub requests_per_second: Option<f64>,
    /// Requests that may follow each other at once.
    pub burst: u32,
    /// Requests in a day of UTC.
    pub daily: Option<u64>,
    /// A Retry-After from here on means that a quota is used up, not that the pace is too fast.
    pub quota_after_ms: u64,
    /// Longest Retry-After that is believed.
    pub retry_after_max_ms: u64,
    /// Failures in a row that open the circuit breaker; 0 turns it off.
    pub failures_to_open: u32,
    /// How long it stays open before one request may try.
    pub open_ms: u64,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            burst: 10,
            daily: None,
            quota_after_ms: 120_000,
            retry_after_max_ms: 24 * 3_600_000,
            failures_to_open: 8,
            open_ms: 15_000,
        }
    }
}

/// How connections are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientOptions {
    /// PEM files with further certificate authorities.
    pub extra_ca_files: Vec<PathBuf>,
    /// Whether the system's certificate authorities count.
    pub native_roots: bool,
    /// A forward proxy, for example `http://proxy.example.com:3128`, for targets without `privateAddresses`. The proxy
    /// then resolves names, so it must be the one that refuses private addresses. The environment names none.
    pub proxy: Option<String>,
    /// Bound for name, connection and TLS.
    pub connect_timeout_ms: u64,
    /// How long an unused connection is kept.
    pub idle_timeout_ms: u64,
    /// Unused connections kept for each target.
    pub idle_connections: usize,
    /// Fields of a response.
    pub response_headers: usize,
    /// Bytes of a response's fields.
    pub response_header_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            extra_ca_files: Vec::new(),
            native_roots: true,
            proxy: None,
            connect_timeout_ms: 5_000,
            idle_timeout_ms: 30_000,
            idle_connections: 8,
            response_headers: 100,
            response_header_bytes: 64 << 10,
        }
    }
}

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct OptionsError {
    /// Where, as in `auth.crm.token-url`.
    pub field: String,
    /// What it holds and what was expected.
    pub problem: String,
}

impl EgressOptions {
    /// Checks what the types do not, with the field's place in every error.
    pub fn check(&self) -> Result<(), OptionsError> {
        for (name, profile) in &self.auth {
            let at = |field: &str| format!("auth.{name}.{field}");
            profile.check().map_err(|(field, problem)| OptionsError { field: at(field), problem })?;
            if !self.secrets.contains(profile.secret()) {
                let problem = format!("no secret `{0}`: add `[secrets.{0}]`", profile.secret());
                return Err(OptionsError { field: at("secret"), problem });
            }
        }
        for (host, options) in &self.hosts {
            let at = |field: &str| format!("hosts.\"{host}\".{field}");
            if options.requests_per_second.is_some_and(|rate| !(rate.is_finite() && (0.000_1..=1e6).contains(&rate))) {
                let problem = "expected a number from 0.0001 to 1000000".to_owned();
                return Err(OptionsError { field: at("requests-per-second"), problem });
            }
            if options.burst == 0 {
                return Err(OptionsError { field: at("burst"), problem: "0; expected at least 1".to_owned() });
            }
        }
        Ok(())
    }

    /// The settings of a target: its own with the port, its own without, those for all.
    #[must_use]
    pub fn host(&self, host: &str, port: u16) -> HostOptions {
        let with_port = format!("{host}:{port}");
        let found = [with_port.as_str(), host, "*"].into_iter().find_map(|key| self.hosts.get(key));
        found.cloned().unwrap_or_default()
    }
}

impl AuthProfile {
    /// Name of the secret that it needs.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Basic { secret, .. }
            | Self::Bearer { secret }
            | Self::ApiKey { secret, .. }
            | Self::WsSecurity { secret, .. } => secret,
            Self::Oauth2ClientCredentials(options) => &options.secret,
            Self::Hmac(options) => &options.secret,
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Basic { username, .. } if username.contains(':') || username.chars().any(char::is_control) => {
                Err(("username", "holds a colon or a control character (RFC 7617)".to_owned()))
            }
            Self::ApiKey { header, .. } => check_header(header),
            Self::Hmac(options) => {
                check_header(&options.header)?;
                if !options.format.contains("{signature}") {
                    return Err(("format", "without `{signature}`; for example `{public}:{signature}`".to_owned()));
                }
                Ok(())
            }
            Self::Oauth2ClientCredentials(options) => options.check_token_url().map_err(|p| ("token-url", p)),
            _ => Ok(()),
        }
    }
}

impl OAuth2Options {
    fn check_token_url(&self) -> Result<(), String> {
        let url = Url::parse(&self.token_url).map_err(|error| format!("`{}`: {error}", self.token_url))?;
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && self.private_addresses);
        if !scheme || url.host_str().is_none() {
            return Err(format!(
                "`{}`; expected an https URL (http only with private-addresses = true)",
                self.token_url
            ));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("holds user info or a fragment; put the client into client-id and secret".to_owned());
        }
        Ok(())
    }
}

/// `authorization` is what other profiles set; everything else that frames a message stays reserved.
fn check_header(header: &str) -> Result<(), (&'static str, String)> {
    let allowed = header.eq_ignore_ascii_case("authorization") || !fields::is_reserved(header);
    if fields::is_token(header) && allowed {
        Ok(())
    } else {
        Err(("header", format!("`{header}`; expected a field name that does not frame the message")))
    }
}
