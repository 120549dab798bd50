//! Listens on TCP, with TLS if there is a certificate, and serves until stopped. It knows no paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{App, connection};
use crate::options::TlsFiles;

/// Maximum number of open connections.
const CONNECTIONS_MAX: usize = 1_024;
/// Pause after `accept` failed, for example because the process ran out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Why certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or contains no PEM block of this kind.
    #[error("{} does not contain a usable {what} in PEM: {problem}", path.display())]
    File {
        /// The kind of block.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Certificate and key do not match.
    #[error("certificate and key cannot be used together")]
    Together(#[source] rustls::Error),
}

/// Reads certificate and key. Blocks.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let fail = |what: &'static str, path: &Path| {
        let path = path.to_path_buf();
        move |error: rustls::pki_types::pem::Error| TlsError::File { what, path, problem: error.to_string() }
    };
    let path = &files.certificate;
    let chain = CertificateDer::pem_file_iter(path).map_err(fail("certificate", path))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(fail("certificate", path))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(fail("private key", &files.key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Together)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop`; then accepts no connections, and active ones end within `drain`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    stop: CancellationToken,
    drain: Duration,
) {
    let tasks = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                if tasks.len() >= CONNECTIONS_MAX {
                    tracing::warn!(%peer, open = tasks.len(), "too many connections: dropped a new one");
                    continue;
                }
                // Answers are small: waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                tasks.spawn(one(stream, tls.clone(), app.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "closed connections that did not end in time");
    }
}

async fn one(stream: TcpStream, tls: Option<TlsAcceptor>, app: Arc<App>, stop: CancellationToken) {
    let Some(tls) = tls else { return connection::serve(stream, app, stop).await };
    match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection::serve(stream, app, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake timed out"),
    }
}
