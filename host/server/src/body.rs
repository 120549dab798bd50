//! Reads a request's body within bounds of size and time. Knows nothing of its content.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::reply::{Refusal, too_large};

/// Time for a whole body. A batch of 16 MiB takes less over 10 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Largest JSON request of the control API: settings files are far smaller.
const JSON_BYTES_MAX: usize = 4 << 20;

/// The whole body, at most `most` bytes.
pub(super) async fn read(headers: &http::HeaderMap, body: Body, most: usize) -> Result<Bytes, Refusal> {
    read_within(headers, body, most, BODY_TIME).await
}

/// The whole body, at most `most` bytes, within a time.
pub(super) async fn read_within(
    headers: &http::HeaderMap,
    body: Body,
    most: usize,
    time: Duration,
) -> Result<Bytes, Refusal> {
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(larger_than(most));
    }
    match tokio::time::timeout(time, collect(body, most)).await {
        Ok(done) => done,
        Err(_) => {
            let detail = format!("the body did not arrive within {} s; send it again", time.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "The body took too long", detail))
        }
    }
}

async fn collect(mut body: Body, most: usize) -> Result<Bytes, Refusal> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            Refusal::new(StatusCode::BAD_REQUEST, "body-broken", "The body broke off", "the body ended before its end")
        };
        let Ok(chunk) = frame.map_err(broken)?.into_data() else { continue };
        let so_far = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if so_far.saturating_add(chunk.len()) > most {
            return Err(larger_than(most));
        }
        // Most bodies come in one piece, which is passed on without a copy.
        if first.is_none() { first = Some(chunk) } else { rest.extend_from_slice(&chunk) }
    }
    let first = first.unwrap_or_default();
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

fn larger_than(most: usize) -> Refusal {
    too_large(format!("the body has more than {most} bytes, which is the bound here; nothing was taken"))
}

/// A JSON body of the control API.
pub(super) async fn json<T: DeserializeOwned>(headers: &http::HeaderMap, body: Body) -> Result<T, Refusal> {
    let media_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = format!("content-type: found `{}`, expected `application/json`", super::printable(media_type));
        let title = "Another media type is expected";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title, detail));
    }
    let bytes = read(headers, body, JSON_BYTES_MAX).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body is not the JSON expected here: {error}");
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not usable", detail).at_field("body")
    })
}
