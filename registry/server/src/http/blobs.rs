//! Blobs: HEAD, GET with ranges (RFC 9110 section 14), DELETE.

use std::io::{Seek as _, SeekFrom};

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::body::{self, Body};
use super::{Answer, Call, only};
use crate::auth::Action;
use crate::name;
use crate::name::Repository;
use crate::publish;
use crate::refusal::{Code, Refusal};
use crate::storage::At as _;
use handoff_package::Digest;

/// `/v2/NAME/blobs/DIGEST`
pub(super) async fn one(call: Call, repository: Repository, digest: &str) -> Answer {
    only(&call, &[Method::GET, Method::HEAD, Method::DELETE])?;
    let digest = name::digest(digest)?;
    match call.parts.method {
        Method::DELETE => {
            call.allow(Action::Push, &repository).await?;
            call.blocking(move |app| publish::delete_blob(&app.storage, &repository, &digest)).await?;
            Ok(body::empty(StatusCode::ACCEPTED))
        }
        Method::HEAD => {
            call.allow(Action::Pull, &repository).await?;
            let known = unknown(&repository, &digest);
            let size = call.blocking(move |app| Ok(app.storage.blob_size(&repository, &digest)?)).await?;
            let mut response = described(StatusCode::OK, &digest);
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size.ok_or(known)?));
            Ok(response)
        }
        _ => get(call, repository, digest).await,
    }
}

fn unknown(repository: &Repository, digest: &Digest) -> Refusal {
    Refusal::new(Code::BlobUnknown, format!("{repository} has no blob {digest}"))
        .with_detail(serde_json::json!({ "digest": digest }))
}

async fn get(call: Call, repository: Repository, digest: Digest) -> Answer {
    call.allow(Action::Pull, &repository).await?;
    // Content never changes under its name.
    let etag = format!("\"{digest}\"");
    let known = call.header(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
    let wanted = call.header(header::RANGE).map(str::to_owned);
    let if_range = call.header(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let missing = unknown(&repository, &digest);
    let found = call
        .blocking(move |app| {
            let Some((mut file, size)) = app.storage.open_blob(&repository, &digest)? else { return Ok(None) };
            let part = wanted.filter(|_| if_range).map_or(Part::Whole, |wanted| Part::parse(&wanted, size));
            if let Part::Bytes { first, .. } = part {
                file.seek(SeekFrom::Start(first)).at("read", &app.storage.content_path(&digest))?;
            }
            Ok(Some((file, size, part)))
        })
        .await?;
    let (file, size, part) = found.ok_or(missing)?;
    if known {
        return Ok(described(StatusCode::NOT_MODIFIED, &digest));
    }
    match part {
        Part::Outside => {
            let text = format!("the range is outside the {size} bytes of the blob");
            Err(Refusal::new(Code::SizeInvalid, text)
                .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
                .with_header(header::CONTENT_RANGE, &format!("bytes */{size}")))
        }
        Part::Whole => Ok(with_body(described(StatusCode::OK, &digest), body::file(file, size), size)),
        Part::Bytes { first, last } => {
            let length = last.saturating_sub(first).saturating_add(1);
            let mut response =
                with_body(described(StatusCode::PARTIAL_CONTENT, &digest), body::file(file, length), length);
            if let Ok(range) = HeaderValue::from_str(&format!("bytes {first}-{last}/{size}")) {
                response.headers_mut().insert(header::CONTENT_RANGE, range);
            }
            Ok(response)
        }
    }
}

fn with_body(mut response: Response<Body>, body: Body, length: u64) -> Response<Body> {
    *response.body_mut() = body;
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn described(status: StatusCode, digest: &Digest) -> Response<Body> {
    let mut response = body::empty(status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    let text = digest.to_string();
    if let (Ok(plain), Ok(quoted)) = (HeaderValue::from_str(&text), HeaderValue::from_str(&format!("\"{text}\""))) {
        headers.insert("docker-content-digest", plain);
        headers.insert(header::ETAG, quoted);
    }
    response
}

/// The requested part of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// From `first` to `last`, inclusive.
    Bytes {
        first: u64,
        last: u64,
    },
    Outside,
}

impl Part {
    /// A single range of bytes. Several ranges or an invalid one are ignored: the answer is the whole blob.
    fn parse(text: &str, size: u64) -> Self {
        let range = text.trim().strip_prefix("bytes=").filter(|ranges| !ranges.contains(','));
        let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else { return Self::Whole };
        let (first, last) = (number(first), number(last));
        let end = size.saturating_sub(1);
        match (first, last) {
            (Ok(Some(first)), Ok(last)) if last.is_none_or(|last| first <= last) => {
                let last = last.unwrap_or(end).min(end);
                if first < size { Self::Bytes { first, last } } else { Self::Outside }
            }
            (Ok(None), Ok(Some(0))) => Self::Outside,
            (Ok(None), Ok(Some(_))) if size == 0 => Self::Outside,
            (Ok(None), Ok(Some(length))) => Self::Bytes { first: size.saturating_sub(length), last: end },
            _ => Self::Whole,
        }
    }
}

/// Parses digits; none for an empty text.
fn number(text: &str) -> Result<Option<u64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    // More digits than fit are beyond the end of any blob.
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn ranges_are_parsed_as_http_defines() {
        for (text, size, expected) in [
            ("bytes=0-9", 10, Part::Bytes { first: 0, last: 9 }),
            ("bytes=2-3", 10, Part::Bytes { first: 2, last: 3 }),
            ("bytes=5-", 10, Part::Bytes { first: 5, last: 9 }),
            ("bytes=-4", 10, Part::Bytes { first: 6, last: 9 }),
            ("bytes=-40", 10, Part::Bytes { first: 0, last: 9 }),
            ("bytes=9-99999999999999999999999", 10, Part::Bytes { first: 9, last: 9 }),
            ("bytes=10-", 10, Part::Outside),
            ("bytes=-0", 10, Part::Outside),
            ("bytes=0-", 0, Part::Outside),
            ("bytes=-1", 0, Part::Outside),
            ("bytes=3-2", 10, Part::Whole),
            ("bytes=0-1,3-4", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("lines=0-1", 10, Part::Whole),
        ] {
            assert_eq!(Part::parse(text, size), expected, "{text} of {size}");
        }
    }
}
