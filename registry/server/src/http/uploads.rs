//! Uploads: POST (whole blob, session, mount), PATCH, PUT, GET for the status, DELETE.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use tokio::task::JoinHandle;

use super::body::{self, Body};
use super::{Answer, App, Call, blocking, only};
use crate::auth::Action;
use crate::name;
use crate::name::Repository;
use crate::refusal::{Code, Refusal};
use crate::uploads::{Turn, Upload, too_large};
use handoff_package::Digest;

/// Bytes to write to disk at a time; as many more are read meanwhile.
const WRITE_BYTES: usize = 1 << 20;

/// `POST /v2/NAME/blobs/uploads/`
pub(super) async fn start(mut call: Call, repository: Repository) -> Answer {
    only(&call, &[Method::POST])?;
    call.allow(Action::Push, &repository).await?;
    if let Some(digest) = call.query.get("mount") {
        let digest = name::digest(digest)?;
        // Without `from`, a registry may search all repositories. That would tell strangers what others have.
        let from = call.query.get("from").map(Repository::parse).transpose()?;
        if let Some(from) = from
            && mount(&call, &repository, from, digest).await?
        {
            return created(&repository, &digest);
        }
        return session(&call, repository).await;
    }
    let Some(digest) = call.query.get("digest") else { return session(&call, repository).await };
    let digest = name::digest(digest)?;
    let (named, client) = (repository.clone(), call.client);
    let upload = call.blocking(move |app| app.uploads.start(&named, client)).await?;
    let turn = upload.turn().await?;
    let done = match receive(&call.app, &upload, &turn, &mut call.body).await {
        Ok(()) => finish(&call.app, &upload, &turn, digest).await,
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = done {
        // The client does not know a session yet.
        call.blocking(move |app| Ok(app.uploads.cancel(&upload)?)).await?;
        return Err(refusal);
    }
    created(&repository, &digest)
}

/// Mounts the blob if another repository that the caller may read has it. Returns whether it did.
async fn mount(call: &Call, repository: &Repository, from: Repository, digest: Digest) -> Result<bool, Refusal> {
    if call.allow(Action::Pull, &from).await.is_err() {
        return Ok(false);
    }
    let repository = repository.clone();
    call.blocking(move |app| {
        let _placing = app.storage.placing();
        let has = app.storage.open_blob(&from, &digest)?.is_some();
        if has {
            app.storage.link_blob(&repository, &digest)?;
        }
        Ok(has)
    })
    .await
}

async fn session(call: &Call, repository: Repository) -> Answer {
    let (named, client) = (repository.clone(), call.client);
    let upload = call.blocking(move |app| app.uploads.start(&named, client)).await?;
    Ok(status(StatusCode::ACCEPTED, &repository, &upload, 0))
}

/// `/v2/NAME/blobs/uploads/ID`
pub(super) async fn one(mut call: Call, repository: Repository, id: &str) -> Answer {
    only(&call, &[Method::GET, Method::PATCH, Method::PUT, Method::DELETE])?;
    call.allow(Action::Push, &repository).await?;
    let upload = call.app.uploads.find(&repository, id)?;
    let turn = upload.turn().await?;
    match call.parts.method {
        Method::GET => {
            let size = size(&call.app, &upload).await?;
            Ok(status(StatusCode::NO_CONTENT, &repository, &upload, size))
        }
        Method::DELETE => {
            call.blocking(move |app| Ok(app.uploads.cancel(&upload)?)).await?;
            Ok(body::empty(StatusCode::NO_CONTENT))
        }
        Method::PATCH => {
            check_place(&call, &repository, &upload).await?;
            receive(&call.app, &upload, &turn, &mut call.body).await?;
            let size = size(&call.app, &upload).await?;
            Ok(status(StatusCode::ACCEPTED, &repository, &upload, size))
        }
        _ => {
            let missing =
                || Refusal::new(Code::DigestInvalid, "the last request of an upload must have `?digest=sha256:…`");
            let digest = name::digest(call.query.get("digest").ok_or_else(missing)?)?;
            check_place(&call, &repository, &upload).await?;
            receive(&call.app, &upload, &turn, &mut call.body).await?;
            finish(&call.app, &upload, &turn, digest).await?;
            created(&repository, &digest)
        }
    }
}

async fn size(app: &Arc<App>, upload: &Arc<Upload>) -> Result<u64, Refusal> {
    let upload = upload.clone();
    blocking(app, move |_| upload.size()).await
}

/// `Content-Range: FIRST-LAST` must continue exactly at the end of the upload.
async fn check_place(call: &Call, repository: &Repository, upload: &Arc<Upload>) -> Result<(), Refusal> {
    let Some(range) = call.header(header::CONTENT_RANGE) else { return Ok(()) };
    let plain = range.trim().trim_start_matches("bytes").trim_start().split('/').next().unwrap_or_default();
    let bounds =
        plain.split_once('-').and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    let Some((first, last)) = bounds.filter(|(first, last)| first <= last) else {
        let range = name::shorten(range);
        let text = format!("content-range: found `{range}`, expected `FIRST-LAST`, both counted from 0");
        return Err(Refusal::new(Code::BlobUploadInvalid, text).with_status(StatusCode::RANGE_NOT_SATISFIABLE));
    };
    let size = size(&call.app, upload).await?;
    if first != size {
        let text = format!("the upload has {size} bytes, so the next chunk begins at {size}, not at {first}");
        let refusal = Refusal::new(Code::BlobUploadInvalid, text).with_status(StatusCode::RANGE_NOT_SATISFIABLE);
        return Err(refusal
            .with_header(header::RANGE, &range_of(size))
            .with_header(header::LOCATION, &location(repository, upload)));
    }
    let length = last.saturating_sub(first).saturating_add(1);
    match call.body.size_hint().exact() {
        Some(announced) if announced != length => {
            let text = format!("content-range has {length} bytes, content-length {announced}: they must agree");
            Err(Refusal::new(Code::SizeInvalid, text))
        }
        _ => Ok(()),
    }
}

/// Appends the body to the upload. What arrived before an error stays: the client requests the status and resumes.
async fn receive(app: &Arc<App>, upload: &Arc<Upload>, turn: &Turn, body: &mut Incoming) -> Result<(), Refusal> {
    let most = app.uploads.bounds().blob_bytes_max;
    if body.size_hint().lower() > most {
        return Err(too_large(most));
    }
    let mut active: Option<JoinHandle<Result<(), Refusal>>> = None;
    let (mut chunks, mut waiting) = (Vec::new(), 0_usize);
    let read = loop {
        match body::piece(body).await {
            Ok(Some(piece)) => {
                waiting = waiting.saturating_add(piece.len());
                chunks.push(piece);
            }
            Ok(None) => break Ok(()),
            Err(refusal) => break Err(refusal),
        }
        if waiting >= WRITE_BYTES {
            written(active.take()).await?;
            active = Some(write(upload, turn, std::mem::take(&mut chunks), most));
            waiting = 0;
        }
    };
    written(active).await?;
    written(Some(write(upload, turn, chunks, most))).await?;
    read
}

fn write(upload: &Arc<Upload>, turn: &Turn, chunks: Vec<Bytes>, most: u64) -> JoinHandle<Result<(), Refusal>> {
    let (upload, turn) = (upload.clone(), turn.clone());
    tokio::task::spawn_blocking(move || {
        let done = upload.append(&chunks, most);
        drop(turn);
        done
    })
}

async fn written(active: Option<JoinHandle<Result<(), Refusal>>>) -> Result<(), Refusal> {
    match active {
        Some(active) => active.await.unwrap_or_else(|panic| Err(Refusal::internal(&panic))),
        None => Ok(()),
    }
}

async fn finish(app: &Arc<App>, upload: &Arc<Upload>, turn: &Turn, digest: Digest) -> Result<(), Refusal> {
    let (upload, turn) = (upload.clone(), turn.clone());
    blocking(app, move |app| {
        let done = app.uploads.finish(&upload, &digest).map(|_| ());
        drop(turn);
        done
    })
    .await
}

fn location(repository: &Repository, upload: &Upload) -> String {
    format!("/v2/{repository}/blobs/uploads/{}", upload.id())
}

/// Both ends are inclusive; an empty upload has `0-0`, as the specification says.
fn range_of(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn status(status: StatusCode, repository: &Repository, upload: &Upload, size: u64) -> Response<Body> {
    let mut response = body::empty(status);
    let headers = response.headers_mut();
    let texts = [
        (header::LOCATION, location(repository, upload)),
        (header::RANGE, range_of(size)),
        (header::HeaderName::from_static("docker-upload-uuid"), upload.id().to_owned()),
    ];
    for (name, text) in texts {
        headers.extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
    }
    response
}

fn created(repository: &Repository, digest: &Digest) -> Answer {
    let mut response = body::empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    let location = HeaderValue::from_str(&format!("/v2/{repository}/blobs/{digest}"));
    headers.extend(location.ok().map(|value| (header::LOCATION, value)));
    let digest = HeaderValue::from_str(&digest.to_string());
    headers.extend(digest.ok().map(|value| (header::HeaderName::from_static("docker-content-digest"), value)));
    Ok(response)
}
