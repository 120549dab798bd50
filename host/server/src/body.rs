//! Reads a request's body within bounds of size and time. Knows nothing of its content.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::reply::{Refusal, too_large, unavailable};

/// Time for a whole body. A batch of 16 MiB takes less over 10 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Largest JSON request of the control API: settings files are far smaller.
const JSON_BYTES_MAX: usize = 4 << 20;

/// Bytes of bodies that are held at the same time before their sender is known, over all requests of a listener.
const UNVERIFIED_BYTES_MAX: usize = 64 << 20;

/// The largest body that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit {
    bytes: usize,
    /// The setting that sets it, for the answer.
    setting: Option<&'static str>,
}

impl BodyLimit {
    /// A limit that nobody can change.
    pub(super) const fn fixed(bytes: usize) -> Self {
        Self { bytes, setting: None }
    }

    /// The value of a setting.
    pub(super) const fn of_setting(setting: &'static str, bytes: usize) -> Self {
        Self { bytes, setting: Some(setting) }
    }
}

/// The memory that bodies of unknown senders share. When it is used up, nothing more is read from any connection until
/// a body is verified, refused or given up: the senders wait, not the memory.
#[derive(Debug)]
pub(super) struct ByteBudget(Arc<Semaphore>);

/// A body, with its share of the budget until it is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl ByteBudget {
    /// A budget for bodies of of limited size.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(UNVERIFIED_BYTES_MAX.max(most))))
    }

    /// The whole body, of limited size.
    pub(super) async fn read(&self, headers: &http::HeaderMap, body: Body, limit: BodyLimit) -> Result<Held, Refusal> {
        self.read_within(headers, body, limit, BODY_TIME).await
    }

    async fn read_within(
        &self,
        headers: &http::HeaderMap,
        body: Body,
        limit: BodyLimit,
        time: Duration,
    ) -> Result<Held, Refusal> {
        let mut share = None;
        let bytes = read_with(headers, body, limit, time, Some((&self.0, &mut share))).await?;
        Ok(Held { bytes, _share: share })
    }
}

/// The budget, and the share of it that a body has so far.
type Share<'s> = (&'s Arc<Semaphore>, &'s mut Option<OwnedSemaphorePermit>);

/// The whole body, of limited size.
pub(super) async fn read(headers: &http::HeaderMap, body: Body, limit: BodyLimit) -> Result<Bytes, Refusal> {
    read_within(headers, body, limit, BODY_TIME).await
}

/// The whole body, of limited size, within a time.
pub(super) async fn read_within(
    headers: &http::HeaderMap,
    body: Body,
    limit: BodyLimit,
    time: Duration,
) -> Result<Bytes, Refusal> {
    read_with(headers, body, limit, time, None).await
}

async fn read_with(
    headers: &http::HeaderMap,
    body: Body,
    limit: BodyLimit,
    time: Duration,
    share: Option<Share<'_>>,
) -> Result<Bytes, Refusal> {
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > u64::try_from(limit.bytes).unwrap_or(u64::MAX)) {
        return Err(larger_than(limit));
    }
    let mut waits = false;
    match tokio::time::timeout(time, collect(body, limit, share, &mut waits)).await {
        Ok(done) => done,
        Err(_) if waits => Err(unavailable("too many bodies are on their way; send it again later")),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s; send it again", time.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "The body took too long", detail))
        }
    }
}

/// `waits` is set while the budget is used up.
async fn collect(
    mut body: Body,
    limit: BodyLimit,
    mut share: Option<Share<'_>>,
    waits: &mut bool,
) -> Result<Bytes, Refusal> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            Refusal::new(StatusCode::BAD_REQUEST, "body-broken", "The body broke off", "the body ended before its end")
        };
        let Ok(chunk) = frame.map_err(broken)?.into_data() else { continue };
        let so_far = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if so_far.saturating_add(chunk.len()) > limit.bytes {
            return Err(larger_than(limit));
        }
        if let Some((budget, held)) = &mut share {
            *waits = true;
            let bytes = u32::try_from(chunk.len()).map_err(|_| larger_than(limit))?;
            let more = Arc::clone(budget).acquire_many_owned(bytes).await;
            let more = more.map_err(|_| unavailable("the host is stopping"))?;
            *waits = false;
            match held.as_mut() {
                Some(held) => held.merge(more),
                None => **held = Some(more),
            }
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

fn larger_than(limit: BodyLimit) -> Refusal {
    let BodyLimit { bytes, setting } = limit;
    let setting = setting.map(|setting| format!(" (`{setting}`)")).unwrap_or_default();
    too_large(format!("the body has more than {bytes} bytes, the limit here{setting}; nothing was taken"))
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
    let bytes = read(headers, body, BodyLimit::fixed(JSON_BYTES_MAX)).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body is not the JSON expected here: {error}");
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not usable", detail).at_field("body")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BodyLimit = BodyLimit::fixed(100);

    /// A body that sends one piece and then nothing.
    fn stalled(piece: &'static [u8]) -> Body {
        use futures_util::StreamExt as _;
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(piece))]);
        Body::from_stream(first.chain(futures_util::stream::pending()))
    }

    #[tokio::test]
    async fn bodies_of_strangers_share_a_budget_and_wait_for_it() {
        let budget = ByteBudget(Arc::new(Semaphore::new(10)));
        let headers = http::HeaderMap::new();
        let Ok(body) = budget.read(&headers, Body::from("12345678"), LIMIT).await else { panic!("there is room") };
        let refused = budget.read_within(&headers, Body::from("123"), LIMIT, Duration::ZERO).await.err();
        assert_eq!(refused.map(|refusal| refusal.into_problem().status), Some(503), "the budget is used up");
        drop(body);
        let slow = budget.read_within(&headers, stalled(b"1234567890"), LIMIT, Duration::ZERO).await.err();
        assert_eq!(slow.map(|refusal| refusal.into_problem().status), Some(408), "it has room, but is slow");
        assert!(
            budget.read(&headers, Body::from("1234567890"), LIMIT).await.is_ok(),
            "what was given up is free again"
        );
    }
}
