//! The baseline of ingress: an axum route that reads the body and responds, in the host's own server loop, in a
//! separate process. A second route also parses the events of the body, as the host does. `handoff-bench bare-route` is
//! that process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use bytes::Bytes;
use handoff_ingress::cloudevents;
use handoff_ingress::cloudevents::CloudEventLimits;
use handoff_server::listen;
use tokio_util::sync::CancellationToken;

/// The argument that starts this program as the baseline.
pub(crate) const BARE_ROUTE: &str = "bare-route";

/// Serves until standard input ends.
pub(crate) async fn serve() {
    let listener = listen::tcp(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    std::io::stdout().flush().expect("told");
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stopped.cancel();
    });
    let router = Router::new().route("/events", post(taken)).route("/parsed", post(parsed));
    let front = listen::Front::new(listener, None, None).expect("a front");
    listen::serve_tcp(front, router, stop, Duration::from_secs(1)).await;
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], String);

async fn taken(body: Bytes) -> Answer {
    answer(body.len())
}

async fn parsed(headers: HeaderMap, body: Bytes) -> Answer {
    let limits = CloudEventLimits { event_bytes: 8 << 20, batch_events: 1_000 };
    answer(cloudevents::parse(&headers, &body, limits).expect("events").len())
}

fn answer(number: usize) -> Answer {
    let answer = format!("{{\"accepted\":1,\"duplicates\":0,\"positions\":[{number}]}}");
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], answer)
}

/// The running baseline. It stops with its standard input, at the latest when this is dropped.
pub(super) struct Route {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Route {
    pub(super) fn start() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let child = Command::new(program).arg(BARE_ROUTE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the peer starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its address");
        Self { child, address: line.trim().parse().expect("an address") }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
