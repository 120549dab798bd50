//! Options of a registry connection: limits, timeouts, trusted authorities, logins.

use super::Logins;
use handoff_package::package::PACKAGE_BYTES_MAX;
use std::path::PathBuf;

/// Options of a registry connection. A folder uses only the package size.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size limit of a package, in bytes.
    pub package_bytes_max: usize,
    /// Additional trusted certificate authorities (PEM).
    pub extra_ca_files: Vec<PathBuf>,
    /// Trust the system's certificate authorities.
    pub system_cas: bool,
    /// Allow plain HTTP to other machines; to this machine it is always allowed.
    pub plain_http: bool,
    /// An HTTP proxy, such as `http://proxy.example.com:3128`; proxy variables of the environment are ignored.
    pub proxy: Option<String>,
    /// Logins by registry.
    pub logins: Logins,
    /// Timeout for connecting.
    pub connect_timeout_ms: u64,
    /// Timeout for a whole request and its response. A package of maximum size must fit in it.
    pub request_timeout_ms: u64,
    /// Number of retries after a network failure or a busy registry.
    pub retries: u32,
    /// Wait before the first retry; it doubles each time.
    pub retry_delay_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            package_bytes_max: PACKAGE_BYTES_MAX,
            extra_ca_files: Vec::new(),
            system_cas: true,
            plain_http: false,
            proxy: None,
            logins: Logins::default(),
            connect_timeout_ms: 10_000,
            request_timeout_ms: 120_000,
            retries: 3,
            retry_delay_ms: 300,
        }
    }
}
