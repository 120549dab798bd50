//! Answers that are a stream of JSON lines. Closing the connection ends the work behind them.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tokio::sync::mpsc;

/// A response with the lines of a channel.
pub(super) fn answer<L: Serialize + Send + 'static>(lines: mpsc::Receiver<L>) -> Response {
    let next = |mut lines: mpsc::Receiver<L>| async move {
        let line = lines.recv().await?;
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), lines))
    };
    let mut response = Response::new(Body::from_stream(futures_util::stream::unfold(lines, next)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
