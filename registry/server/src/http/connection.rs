//! One HTTP/1.1 connection with its bounds. Knows no paths.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{App, answer};

/// Time for the head of a request, from its first byte on; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Bytes of a request's head, and of what is read of a body at once.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Header fields that are read at all; a request with more than `HEADERS_MAX` is answered with an error, beyond this not at all.
const HEADERS_READ_MAX: usize = 256;

/// Serves one connection until it ends, or until `stop` and the request at work is answered.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(app, request).await) }
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
