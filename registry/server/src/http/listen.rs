//! Listens on TCP, with TLS where there is a certificate, and serves until told to stop. Knows no paths.

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

/// Connections open at the same time.
const CONNECTIONS_MAX: usize = 1_024;
/// Pause after the system could not accept, for example because files ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Why certificate and key are not usable.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of the kind.
    #[error("{} holds no usable {what} in PEM: {problem}", path.display())]
    File {
        /// Which kind.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Certificate and key do not go together.
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

/// Serves until `stop`; then no new connections, and those at work end within `drain`.
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
                    tracing::warn!(%peer, open = tasks.len(), "too many connections: one was dropped");
                    continue;
                }
                // Answers are small: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                tasks.spawn(one(stream, tls.clone(), app.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "connections were cut off: they did not end in time");
    }
}

async fn one(stream: TcpStream, tls: Option<TlsAcceptor>, app: Arc<App>, stop: CancellationToken) {
    let Some(tls) = tls else { return connection::serve(stream, app, stop).await };
    match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection::serve(stream, app, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}
