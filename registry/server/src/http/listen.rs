//! Listens on TCP, with TLS if there is a certificate, and serves until stopped. It knows no paths.

use std::sync::Arc;
use std::time::Duration;

use handoff_listen::Certificates;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{App, Ends, connection};

/// Maximum number of open connections.
const CONNECTIONS_MAX: usize = 1_024;
/// Pause after `accept` failed, for example because the process ran out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Serves until `stop`; then accepts no connections, and active ones end within `drain`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Certificates>>,
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
                // Without its own address the connection is closed already.
                let Ok(local) = stream.local_addr() else { continue };
                let ends = Ends { client: peer.ip(), local: local.ip() };
                tasks.spawn(one(stream, ends, tls.clone(), app.clone(), stop.clone()));
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

async fn one(stream: TcpStream, ends: Ends, tls: Option<Arc<Certificates>>, app: Arc<App>, stop: CancellationToken) {
    let Some(tls) = tls else { return connection::serve(stream, app, ends, stop).await };
    let acceptor = tls.acceptor(app.clock.now()).await;
    match tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => connection::serve(stream, app, ends, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake timed out"),
    }
}
