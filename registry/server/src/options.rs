//! The operator's options of a registry server. Plain values; it reads no file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options of a registry server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Listen address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The data folder; created if it is missing.
    pub data: PathBuf,
    /// Who may read and push.
    pub access: Access,
    /// Certificate and key; none: plain HTTP, for loopback or behind a proxy that terminates TLS.
    pub tls: Option<TlsFiles>,
    /// Public base URL, such as `https://registry.example`, which becomes part of the URL of the token service. None:
    /// the host that each request names.
    pub public_url: Option<String>,
    /// Size limit of a blob, in bytes.
    pub blob_bytes_max: u64,
    /// Maximum number of concurrent uploads.
    pub uploads_max: usize,
    /// Idle time after which an upload is cancelled.
    pub upload_idle: Duration,
    /// Interval between garbage collections; none: only on request.
    pub gc_every: Option<Duration>,
    /// Younger files are not garbage: their manifest may still be pushed.
    pub gc_grace: Duration,
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
            public_url: None,
            blob_bytes_max: 1 << 30,
            uploads_max: 256,
            upload_idle: Duration::from_secs(3_600),
            gc_every: Some(Duration::from_secs(86_400)),
            gc_grace: Duration::from_secs(86_400),
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

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}
