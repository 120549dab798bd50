//! Bodies: answers from bytes or files, and requests read within limits of size and time. It does not interpret them.

use std::fs::File;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::refusal::{Code, Refusal};

/// Time limit between two pieces of a body.
pub(super) const PIECE_TIME: Duration = Duration::from_secs(30);
/// Time limit for a whole small body, such as a manifest.
const WHOLE_TIME: Duration = Duration::from_secs(60);
/// Bytes to read from a file at a time.
const READ_BYTES: usize = 256 << 10;

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body from bytes in memory.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without content.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// An answer of bytes with a media type.
pub(crate) fn bytes(status: StatusCode, media_type: &str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(bytes));
    *response.status_mut() = status;
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    }
    response
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Strings, numbers and lists always serialize.
    bytes(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// `length` bytes of a file from its current position.
pub(super) fn file(file: File, length: u64) -> Body {
    let reader = tokio::fs::File::from_std(file).take(length);
    let pieces = ReaderStream::with_capacity(reader, READ_BYTES);
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// The answer to HEAD: the headers of the answer to GET, with its content length.
pub(super) fn without_content(response: Response<Body>) -> Response<Body> {
    use hyper::body::Body as _;
    let (mut parts, body) = response.into_parts();
    if let (Some(length), false) = (body.size_hint().exact(), parts.headers.contains_key(header::CONTENT_LENGTH)) {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, full(Bytes::new()))
}

/// The next piece of a body; none at its end.
pub(super) async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = tokio::time::timeout(PIECE_TIME, body.frame()).await.map_err(|_| too_slow(PIECE_TIME))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => {
                let text = "the body ended early: request the upload's status and resume from there";
                return Err(Refusal::new(Code::BlobUploadInvalid, text));
            }
        }
    }
}

/// A whole body of at most `most` bytes.
pub(super) async fn whole(body: &mut Incoming, most: usize, too_large: impl Fn() -> Refusal) -> Result<Bytes, Refusal> {
    use hyper::body::Body as _;
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let collect = async {
        let mut bytes = BytesMut::new();
        while let Some(piece) = piece(body).await? {
            if bytes.len().saturating_add(piece.len()) > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(WHOLE_TIME, collect).await.map_err(|_| too_slow(WHOLE_TIME))?
}

fn too_slow(time: Duration) -> Refusal {
    let text = format!("no data arrived for {} s: send the body again", time.as_secs());
    Refusal::new(Code::BlobUploadInvalid, text).with_status(StatusCode::REQUEST_TIMEOUT)
}
