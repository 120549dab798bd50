//! Listens on TCP and on a Unix socket, and serves until `stop` is cancelled. Knows no routes.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use super::connection::{Connections, Peer, serve_connection};
use crate::caller::Caller;

/// Pause after the system could not accept a connection, for example because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the host cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another host answers on the socket.
    #[error("a host answers on the socket {0} already: stop it first, or give this one another `[control] socket`")]
    Taken(PathBuf),
    /// Something else exists at the path.
    #[error("{0} exists and is not a socket: remove it, or set `[control] socket` to another path")]
    NotASocket(PathBuf),
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
pub async fn tcp(address: std::net::SocketAddr) -> Result<TcpListener, ListenError> {
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

/// Serves TCP until `stop`. Then accepts no new connections; active requests have `drain` to end.
pub async fn serve_tcp(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) {
    let connections = Connections::new(stop.clone());
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                // Answers are small: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                let address = Some(peer.ip());
                connections.spawn(address, |stop| serve_connection(stream, router.clone(), Peer::Address(peer), stop));
            }
            Err(error) => pause(&error).await,
        }
    }
    connections.drain(drain).await;
}

/// Serves a Unix socket until `stop`. Then accepts no new connections; active requests have `drain` to end.
pub async fn serve_unix(socket: SocketFile, router: Router, stop: CancellationToken, drain: Duration) {
    let connections = Connections::new(stop.clone());
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

async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
