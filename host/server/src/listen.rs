//! Listens on TCP and on a Unix socket, and serves until `stop` is cancelled. Knows no routes.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use handoff_listen::{Certificates, Hosts};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use handoff_listen::{TlsError, TlsFiles, TrustedProxies};

use super::connection::{Connections, Peer, serve_connection};
use crate::caller::Caller;

/// Pause after the system could not accept a connection, for example because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for a TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Why the host cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another host answers on the socket.
    #[error("a host answers on the socket {0} already: stop it first, or give this one another `[control] socket`")]
    Taken(PathBuf),
    /// Something else exists at the path.
    #[error("{0} exists and is not a socket: remove it, or set `[control] socket` to another path")]
    NotASocket(PathBuf),
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system refused.
    #[error("cannot listen on {place}")]
    Io {
        /// Where.
        place: String,
        /// Why not.
        source: io::Error,
    },
}

/// A Unix socket whose file is removed with its host.
#[derive(Debug)]
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
}

/// Opens a TCP listener.
pub async fn tcp(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Io { place: address.to_string(), source })
}

/// Opens a Unix socket that only this user can use: mode 0600 from the start, in a folder that is created with 0700.
/// Replaces a socket file on which no host answers.
pub fn unix(path: &Path) -> Result<SocketFile, ListenError> {
    let fail = |source| ListenError::Io { place: path.display().to_string(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
    }
    match fs::symlink_metadata(path) {
        Ok(facts) if !facts.file_type().is_socket() => return Err(ListenError::NotASocket(path.to_path_buf())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(ListenError::Taken(path.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fail(error)),
    }
    // Bind in a separate private folder, then move: no process can open the socket before its mode is set.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let nursery = tempfile::Builder::new().prefix(".s").rand_bytes(4).tempdir_in(folder).map_err(fail)?;
    let young = nursery.path().join("s");
    let listener = UnixListener::bind(&young).map_err(fail)?;
    fs::set_permissions(&young, fs::Permissions::from_mode(0o600)).map_err(fail)?;
    fs::rename(&young, path).map_err(fail)?;
    Ok(SocketFile { listener, path: path.to_path_buf() })
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already; otherwise the next host replaces it.
        let _ = fs::remove_file(&self.path);
    }
}

/// A TCP listener with the names that it answers to and, if it speaks TLS, its certificate.
pub struct Front {
    listener: TcpListener,
    hosts: Arc<Hosts>,
    certificates: Option<Arc<Certificates>>,
    proxies: TrustedProxies,
}

impl Front {
    /// A listener that speaks plain HTTP, or TLS with these files. Others reach it under `public_url`, besides its
    /// address.
    pub fn new(listener: TcpListener, public_url: Option<&Url>, tls: Option<TlsFiles>) -> Result<Self, ListenError> {
        let bound = listener.local_addr().map_err(|source| ListenError::Io { place: "TCP".to_owned(), source })?;
        let certificates = tls.map(|files| Certificates::load(files, Instant::now())).transpose()?.map(Arc::new);
        let hosts = Arc::new(Hosts::new(bound.ip(), public_url));
        Ok(Self { listener, hosts, certificates, proxies: TrustedProxies::default() })
    }

    /// Reverse proxies that may use every connection, because they forward many senders' requests.
    #[must_use]
    pub fn trusting(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// The address that it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves TCP until `stop`. Then accepts no new connections; active requests have `drain` to end.
pub async fn serve_tcp(front: Front, router: Router, stop: CancellationToken, drain: Duration) {
    let Front { listener, hosts, certificates, proxies } = front;
    let connections = Connections::new(proxies, stop.clone());
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                // Answers are small: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                // Without its own address the connection is closed already.
                let Ok(local) = stream.local_addr() else { continue };
                let from = Peer::Address { peer, local: local.ip(), hosts: hosts.clone() };
                let (router, certificates) = (router.clone(), certificates.clone());
                connections.spawn(Some(peer.ip()), |stop| serve_stream(stream, certificates, router, from, stop));
            }
            Err(error) => pause(&error).await,
        }
    }
    connections.drain(drain).await;
}

/// Serves a Unix socket until `stop`. Then accepts no new connections; active requests have `drain` to end.
pub async fn serve_unix(socket: SocketFile, router: Router, stop: CancellationToken, drain: Duration) {
    let connections = Connections::new(TrustedProxies::default(), stop.clone());
    while let Some(accepted) = stop.run_until_cancelled(socket.listener.accept()).await {
        match accepted {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(peer) => {
                    let peer = Peer::User(Caller::user(peer.uid()));
                    connections.spawn(None, |stop| serve_connection(stream, router.clone(), peer, stop));
                }
                Err(error) => {
                    tracing::warn!(%error, "the system does not say who connected: the connection was dropped")
                }
            },
            Err(error) => pause(&error).await,
        }
    }
    drop(socket);
    connections.drain(drain).await;
}

/// Serves one TCP connection, after the handshake if the listener speaks TLS.
async fn serve_stream(
    stream: TcpStream,
    certificates: Option<Arc<Certificates>>,
    router: Router,
    peer: Peer,
    stop: CancellationToken,
) {
    let Some(certificates) = certificates else { return serve_connection(stream, router, peer, stop).await };
    let acceptor = certificates.acceptor(Instant::now()).await;
    match tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_connection(stream, router, peer, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
