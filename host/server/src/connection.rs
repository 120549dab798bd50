//! One HTTP/1.1 connection with its bounds, and the set of open connections. Knows no routes.
//!
//! The registry's server has a loop like this one, with other limits: one for both would tie server and registry together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use handoff_listen::{HostProblem, Hosts, TrustedProxies, sender};
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::reply::Refusal;

/// Time for the head of a request, from its first byte; also how long an idle connection is kept open.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes: one field of the largest size, and others.
const HEAD_BYTES_MAX: usize = 128 << 10;
/// Header fields that are read at all. The routes answer with a problem from 100 on; beyond this limit the connection
/// is closed.
const HEADERS_READ_MAX: usize = 256;
/// Connections open at the same time on one listener, if the system allows enough file descriptors.
const CONNECTIONS_MAX: usize = 4_096;
/// The share of a process's file descriptors that one listener may use. The rest is for the journal, the index, secrets
/// and outgoing requests: a process without descriptors cannot keep what it accepted.
const DESCRIPTORS_SHARE: usize = 4;
/// The share of a listener's connections that one sender may hold open.
const SENDER_SHARE: usize = 4;

/// Open connections of one listener.
pub(super) struct Connections {
    tasks: TaskTracker,
    stop: CancellationToken,
    connections_max: usize,
    proxies: TrustedProxies,
    senders: Arc<Senders>,
}

/// Open connections by sender. Bounded by the number of connections.
#[derive(Default)]
struct Senders(Mutex<HashMap<IpAddr, usize>>);

/// One connection of a sender; given back when it is dropped.
struct Slot {
    senders: Arc<Senders>,
    sender: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.senders.0.lock();
        if let Entry::Occupied(mut entry) = open.entry(self.sender) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

impl Connections {
    pub(super) fn new(proxies: TrustedProxies, stop: CancellationToken) -> Self {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let descriptors = descriptors.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Self::with_room_for(CONNECTIONS_MAX.min(descriptors / DESCRIPTORS_SHARE), proxies, stop)
    }

    fn with_room_for(connections_max: usize, proxies: TrustedProxies, stop: CancellationToken) -> Self {
        Self { tasks: TaskTracker::new(), stop, connections_max, proxies, senders: Arc::default() }
    }

    /// Serves one more connection, or closes it if there are too many, in all or of its sender.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        address: Option<IpAddr>,
        serve: impl FnOnce(CancellationToken) -> F,
    ) {
        if self.tasks.len() >= self.connections_max {
            tracing::warn!(open = self.tasks.len(), "too many connections: one was dropped");
            return;
        }
        let slot = match address.map(|address| self.slot(address)) {
            Some(None) => {
                tracing::warn!(?address, "too many connections of one sender: one was dropped");
                return;
            }
            Some(slot) => slot,
            None => None,
        };
        let serving = serve(self.stop.clone());
        self.tasks.spawn(async move {
            serving.await;
            drop(slot);
        });
    }

    /// None: the sender has as many connections as it may have. This machine's own programs and trusted proxies, which
    /// forward every sender's requests, share all connections.
    fn slot(&self, address: IpAddr) -> Option<Slot> {
        let sender = sender(address);
        let is_shared = sender.is_loopback() || self.proxies.contains(address);
        let most = if is_shared { self.connections_max } else { (self.connections_max / SENDER_SHARE).max(1) };
        let mut open = self.senders.0.lock();
        let count = open.entry(sender).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Slot { senders: Arc::clone(&self.senders), sender })
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
    Address {
        /// Its address.
        peer: SocketAddr,
        /// The address of this machine that it connected to.
        local: IpAddr,
        /// The names that the listener answers to.
        hosts: Arc<Hosts>,
    },
    /// A process of this machine, over the Unix socket.
    User(Caller),
}

/// 421 tells a client that this server does not speak for the host that it named (RFC 9110 section 15.5.20).
fn not_for_us(problem: &HostProblem) -> Refusal {
    let (status, title) = match problem {
        HostProblem::Missing | HostProblem::Repeated => (http::StatusCode::BAD_REQUEST, "Not a valid request"),
        HostProblem::Foreign(_) => (http::StatusCode::MISDIRECTED_REQUEST, "Not this server"),
    };
    Refusal::new(status, "bad-host", title, problem.to_string())
}

/// Serves one connection until it ends, or until `stop` is cancelled and the active request is answered.
pub(super) async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    stop: CancellationToken,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let bad_host = match &peer {
            Peer::Address { peer, local, hosts } => {
                request.extensions_mut().insert(ConnectInfo(*peer));
                hosts.check(*local, request.version(), request.headers(), request.uri()).err()
            }
            // No browser and no proxy uses the socket.
            Peer::User(caller) => {
                request.extensions_mut().insert(caller.clone());
                None
            }
        };
        let router = router.clone();
        async move {
            match bad_host {
                Some(problem) => Ok(not_for_us(&problem).into_response()),
                None => router.oneshot(request.map(axum::body::Body::new)).await,
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_sender_cannot_take_every_connection() {
        let proxies = TrustedProxies::new(vec!["192.0.2.128/25".parse().expect("a network")]);
        let connections = Connections::with_room_for(8, proxies, CancellationToken::new());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first: Vec<_> = (0..2).filter_map(|_| connections.slot(one)).collect();
        assert_eq!(first.len(), 2);
        assert!(connections.slot(one).is_none(), "a quarter is its share");
        assert!(connections.slot(other).is_some());
        let forwarded: Vec<_> = (0..8).filter_map(|_| connections.slot(IpAddr::from([192, 0, 2, 129]))).collect();
        assert_eq!(forwarded.len(), 8, "a trusted proxy forwards many senders");
        drop((first, forwarded));
        assert!(connections.slot(one).is_some(), "a closed connection is given back");
        assert_eq!(connections.senders.0.lock().len(), 0, "idle senders take no memory");
    }
}
