//! What the operator decides about a registry server. Plain values; reads no file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options of a registry server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The data folder; made if it is missing.
    pub data: PathBuf,
    /// Who may read and push.
    pub access: Access,
    /// Certificate and key; none: plain HTTP, for loopback or behind a proxy that ends TLS.
    pub tls: Option<TlsFiles>,
    /// What clients see in front, such as `https://registry.example`: goes into the address of the token service. None: what each
    /// request names as its host.
    pub public_url: Option<String>,
    /// Bytes of one blob, at most.
    pub blob_bytes_max: u64,
    /// Uploads at once, at most.
    pub uploads_max: usize,
    /// An upload that nobody touched for so long is given up.
    pub upload_idle: Duration,
    /// How often garbage is swept; none: never by itself.
    pub gc_every: Option<Duration>,
    /// What is younger is no garbage: its manifest may still come.
    pub gc_grace: Duration,
}

impl ServerOptions {
    /// The usual values for an address and a folder: nobody pushes until `access` says who may.
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
    /// Everybody reads and pushes: for one's own machine.
    Open,
    /// Everybody reads, nobody pushes.
    ReadOnly,
    /// Users of a file push, each below the publishers that are theirs.
    Users {
        /// Lines as `htpasswd -B` writes them: `NAME:BCRYPT`. A third field lists what the user may push below, such as
        /// `acme,other/tools` or `*`; without it the user pushes below their own name.
        file: PathBuf,
        /// Whether everybody reads; else only users do.
        anonymous_read: bool,
        /// How clients are asked to show who they are.
        challenge: Challenge,
    },
}

/// How clients are asked to show who they are. Both ways are taken, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// Name and password with each request (RFC 7617).
    Basic,
    /// A short-lived token, which clients get at `/token` for name and password (the field's token authentication).
    Token,
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}
