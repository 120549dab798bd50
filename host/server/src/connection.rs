//! One HTTP/1.1 connection with its bounds, and the set of open connections. Knows no routes.
//!
//! The registry's server has a loop like this one, with other limits: one for both would tie server and registry together.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::caller::Caller;

/// Time for the head of a request, from its first byte; also how long an idle connection is kept open.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Header fields that are read at all. The routes answer with a problem from 100 on; beyond this limit the connection
/// is closed.
const HEADERS_READ_MAX: usize = 256;
/// Connections open at the same time on one listener.
const CONNECTIONS_MAX: usize = 4_096;

/// Open connections of one listener.
pub(super) struct Connections {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Connections {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { tasks: TaskTracker::new(), stop }
    }

    /// Serves one more connection, or closes it if there are too many.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(&self, serve: impl FnOnce(CancellationToken) -> F) {
        if self.tasks.len() >= CONNECTIONS_MAX {
            tracing::warn!(open = self.tasks.len(), "too many connections: one was dropped");
            return;
        }
        self.tasks.spawn(serve(self.stop.clone()));
    }

    /// Waits a limited time for connections with an active request.
    pub(super) async fn drain(self, time: Duration) {
        self.tasks.close();
        if tokio::time::timeout(time, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "connections were cut off: they did not end in time");
        }
    }
}

/// The other end of a connection.
pub(super) enum Peer {
    /// A client over TCP.
    Address(SocketAddr),
    /// A process of this machine, over the Unix socket.
    User(Caller),
}

/// Serves one connection until it ends, or until `stop` is cancelled and the active request is answered.
pub(super) async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    stop: CancellationToken,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        match &peer {
            Peer::Address(address) => drop(request.extensions_mut().insert(ConnectInfo(*address))),
            Peer::User(caller) => drop(request.extensions_mut().insert(caller.clone())),
        }
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(HEADERS_READ_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
