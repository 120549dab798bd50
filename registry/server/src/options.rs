//! The operator's options of a registry server. Plain values; it reads no file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::clock::Clock;
use handoff_listen::{TlsFiles, TrustedProxies};

/// Options of a registry server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Listen address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The data folder; created if it is missing.
    pub data: PathBuf,
    /// Who may read and push.
    pub access: Access,
    /// Certificate and key, read again when they change; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Allow plain HTTP on an address that is not loopback, for a proxy in front that terminates TLS.
    pub plain_http: bool,
    /// Public base URL, such as `https://registry.example`. The registry answers to its host, and shows it wherever people
    /// or clients are told the registry's URL. None: the host that each request names.
    pub public_url: Option<Url>,
    /// Reverse proxies whose `X-Forwarded-For` says who sent a request, for the limits of an address.
    pub trusted_proxies: TrustedProxies,
    /// A folder with publishers' keys, `PUBLISHER.pub`; then only an index that a known key signed is accepted. None: any
    /// well-formed signature; hosts decide whom they trust.
    pub publisher_keys: Option<PathBuf>,
    /// Size limit of a blob, in bytes.
    pub blob_bytes_max: u64,
    /// Maximum number of concurrent uploads.
    pub uploads_max: usize,
    /// Maximum number of concurrent uploads of one address (IPv6: of a /64). Programs of this machine, among them a
    /// reverse proxy that is not trusted, share all uploads.
    pub uploads_per_address_max: usize,
    /// Idle time after which an upload is cancelled.
    pub upload_idle: Duration,
    /// Interval between garbage collections; none: only on request.
    pub gc_every: Option<Duration>,
    /// Younger files are not garbage: their manifest may still be pushed.
    pub gc_grace: Duration,
    /// The clock of uploads and certificates.
    pub clock: Clock,
}

impl ServerOptions {
    /// Default options for an address and a folder. `access` decides who may push; by default nobody.
    #[must_use]
    pub fn new(listen: SocketAddr, data: PathBuf) -> Self {
        Self {
            listen,
            data,
            access: Access::ReadOnly,
            tls: None,
            plain_http: false,
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            publisher_keys: None,
            blob_bytes_max: 1 << 30,
            uploads_max: 256,
            uploads_per_address_max: 32,
            upload_idle: Duration::from_secs(600),
            gc_every: Some(Duration::from_secs(86_400)),
            gc_grace: Duration::from_secs(86_400),
            clock: Clock::system(),
        }
    }
}

/// Who may read and push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody reads and pushes: for a developer's machine.
    Open,
    /// Everybody reads, nobody pushes.
    ReadOnly,
    /// Users of a file push, each to their own publishers.
    Users {
        /// Lines as written by `htpasswd -B`: `NAME:BCRYPT`. A third field lists what the user may push, such as
        /// `acme,other/tools` or `*`; without it, only repositories below their own name.
        file: PathBuf,
        /// Whether everybody may read; otherwise only users.
        anonymous_read: bool,
        /// How clients are asked to authenticate.
        challenge: Challenge,
    },
}

/// How clients are asked to authenticate. Both ways are always accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// Name and password with each request (RFC 7617).
    Basic,
    /// A short-lived token, which clients request at `/token` with name and password (the distribution project's token
    /// authentication).
    Token,
}
