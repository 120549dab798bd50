//! One HTTP/1.1 connection with its limits. It knows no paths.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{App, Ends, answer};

/// Time limit for the head of a request, from its first byte; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Size limit of a request's head, and of one read of a body, in bytes.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Maximum number of header fields that are parsed. Over `HEADERS_MAX` a request is answered with an error, over this
/// limit not at all.
const HEADERS_READ_MAX: usize = 256;

/// Serves one connection until it closes, or until `stop` is set and the active request is answered.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Arc<App>,
    ends: Ends,
    stop: CancellationToken,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(app, ends, request).await) }
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
        tracing::debug!(%error, "connection closed early");
    }
}
