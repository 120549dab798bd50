//! The operator's settings for outgoing HTTP: the sections `[auth.NAME]`, `[hosts."NAME"]` and `[egress]` of
//! handoff.toml. Plain data and its validation; it reads no secret and opens no file.

mod profiles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::secrets::Secrets;
use handoff_model::limits::CallLimits;
use handoff_model::names::AuthProfileName;
use handoff_model::scope::Scope;

pub use profiles::{
    AuthProfile, ClientAuthentication, HmacAlgorithm, HmacEncoding, HmacOptions, OAuth2Options, WsPassword,
};

/// All settings of egress.
#[derive(Clone, Debug)]
pub struct EgressOptions {
    /// `[auth.NAME]`.
    pub auth: BTreeMap<AuthProfileName, AuthProfile>,
    /// Whose installations may use a profile; those of every rooftop and group, if it is not listed.
    pub auth_scopes: BTreeMap<AuthProfileName, BTreeSet<Scope>>,
    /// `[secrets.NAME]`, shared with other users of secrets.
    pub secrets: Secrets,
    /// `[hosts."api.example.com"]` or `[hosts."api.example.com:8443"]`; `[hosts."*"]` is for all others.
    pub hosts: BTreeMap<String, HostOptions>,
    /// `[egress]`.
    pub client: ClientOptions,
    /// `[limits.call]`.
    pub limits: CallLimits,
    /// Instead of the key, a host's name, requests go to the origin of this URL. For a developer's host only.
    pub stand_ins: BTreeMap<String, Url>,
}

/// Load limits of one target, over all installations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostOptions {
    /// Sustained requests per second, for example 0.5; none means no budget.
    pub requests_per_second: Option<f64>,
    /// Burst size in requests.
    pub burst: u32,
    /// Requests per day (UTC).
    pub daily: Option<u64>,
    /// A Retry-After of at least this means that a quota is exhausted, not that the pace is too high.
    pub quota_after_ms: u64,
    /// Longest Retry-After that is honoured.
    pub retry_after_max_ms: u64,
    /// Consecutive failures that open the circuit breaker; 0 disables it.
    pub failures_to_open: u32,
    /// How long it stays open before one probe request.
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

/// Connection settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientOptions {
    /// PEM files with further certificate authorities.
    pub extra_ca_files: Vec<PathBuf>,
    /// Whether the system's certificate authorities are trusted.
    pub native_roots: bool,
    /// A forward proxy, for example `http://proxy.example.com:3128`, for targets without `private-addresses`. The proxy
    /// resolves names, so it must refuse private addresses itself. Proxy variables of the environment are ignored.
    pub proxy: Option<String>,
    /// Time limit for DNS, connection and TLS.
    pub connect_timeout_ms: u64,
    /// How long an unused connection is kept.
    pub idle_timeout_ms: u64,
    /// Idle connections per target.
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

/// An invalid setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct OptionsError {
    /// The field, such as `auth.crm.token-url`.
    pub field: String,
    /// What was found and expected.
    pub problem: String,
}

impl EgressOptions {
    /// Checks what the types do not; every error names its field.
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
            if host.is_empty() || host.contains(['/', '[', ']', '@']) || *host != host.to_ascii_lowercase() {
                let problem = "expected a lower-case host, a host with its port, or `*`".to_owned();
                return Err(OptionsError { field: format!("hosts.\"{host}\""), problem });
            }
            if options.requests_per_second.is_some_and(|rate| !(rate.is_finite() && (0.000_1..=1e6).contains(&rate))) {
                let problem = "expected a number from 0.0001 to 1000000".to_owned();
                return Err(OptionsError { field: at("requests-per-second"), problem });
            }
            if options.burst == 0 {
                return Err(OptionsError { field: at("burst"), problem: "0; expected at least 1".to_owned() });
            }
        }
        if self.client.proxy.as_ref().is_some_and(|url| url.contains('@')) {
            let problem = "contains user info; passwords are not allowed in handoff.toml, use a proxy that authenticates this host otherwise";
            return Err(OptionsError { field: "egress.proxy".to_owned(), problem: problem.to_owned() });
        }
        for (field, value) in
            [("connect-timeout-ms", self.client.connect_timeout_ms), ("idle-timeout-ms", self.client.idle_timeout_ms)]
        {
            if value == 0 {
                let problem = "0; expected at least 1".to_owned();
                return Err(OptionsError { field: format!("egress.{field}"), problem });
            }
        }
        Ok(())
    }

    /// The settings of a target: those with its port, otherwise those of its host, otherwise the defaults for all.
    #[must_use]
    pub fn host(&self, host: &str, port: u16) -> HostOptions {
        let with_port = format!("{host}:{port}");
        let found = [with_port.as_str(), host, "*"].into_iter().find_map(|key| self.hosts.get(key));
        found.cloned().unwrap_or_default()
    }
}
