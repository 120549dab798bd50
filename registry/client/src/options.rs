//! How to deal with a registry: bounds, patience, whom to believe, as whom to log in.

use super::Logins;
use handoff_package::package::PACKAGE_BYTES_MAX;
use std::path::PathBuf;

/// How to deal with a registry. A folder heeds only the size of packages.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of a package.
    pub package_bytes_max: usize,
    /// Certificate authorities (PEM) that are believed besides the system's.
    pub extra_ca_files: Vec<PathBuf>,
    /// Believe the system's certificate authorities.
    pub system_cas: bool,
    /// Speak plain HTTP with other machines as well; with this one it always may be.
    pub plain_http: bool,
    /// An HTTP proxy, such as `http://proxy.example.com:3128`; the environment's is not heeded.
    pub proxy: Option<String>,
    /// Logins by registry.
    pub logins: Logins,
    /// For a connection to come about.
    pub connect_timeout_ms: u64,
    /// For a whole request, its answer included. A package of full size has to come through in it.
    pub request_timeout_ms: u64,
    /// How often a request that failed on the way, or met a busy registry, is sent again.
    pub retries: u32,
    /// Wait before it is sent again; doubled each time.
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
