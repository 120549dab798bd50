//! Manifests: GET, HEAD, PUT and DELETE by tag and by digest.

use http::{HeaderValue, Method, StatusCode, header};

use super::body;
use super::{Answer, Call, only};
use crate::auth::Action;
use crate::name::{Reference, Repository};
use crate::publish;
use crate::refusal::{Code, Refusal};
use crate::storage::{Storage, StorageError};
use handoff_package::Digest;

/// Size limit of a manifest in bytes: the size that the specification requires every registry to accept.
const MANIFEST_BYTES_MAX: usize = 4 << 20;

/// `/v2/NAME/manifests/REFERENCE`
pub(super) async fn one(call: Call, repository: Repository, reference: &str) -> Answer {
    only(&call, &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE])?;
    let reference = Reference::parse(reference)?;
    match call.parts.method {
        Method::PUT => put(call, repository, reference).await,
        Method::DELETE => {
            call.allow(Action::Push, &repository).await?;
            call.blocking(move |app| publish::delete(&app.storage, &repository, &reference)).await?;
            Ok(body::empty(StatusCode::ACCEPTED))
        }
        _ => get(call, repository, reference).await,
    }
}

async fn get(call: Call, repository: Repository, reference: Reference) -> Answer {
    call.allow(Action::Pull, &repository).await?;
    let (digest, media_type, bytes) = call.blocking(move |app| find(&app.storage, &repository, &reference)).await?;
    let mut response = body::bytes(StatusCode::OK, &media_type, bytes);
    let text = digest.to_string();
    if let (Ok(plain), Ok(quoted)) = (HeaderValue::from_str(&text), HeaderValue::from_str(&format!("\"{text}\""))) {
        response.headers_mut().insert("docker-content-digest", plain);
        response.headers_mut().insert(header::ETAG, quoted);
    }
    Ok(response)
}

/// Digest, media type and bytes of a manifest.
fn find(
    storage: &Storage,
    repository: &Repository,
    reference: &Reference,
) -> Result<(Digest, String, Vec<u8>), Refusal> {
    let unknown = || {
        let has = storage.index()?.has_repository(repository)?;
        Ok::<_, StorageError>(if has {
            Refusal::new(Code::ManifestUnknown, format!("{repository} has no manifest `{reference}`"))
        } else {
            Refusal::new(Code::NameUnknown, format!("there is no repository {repository}"))
        })
    };
    let digest = match reference {
        Reference::Digest(digest) => Some(*digest),
        Reference::Tag(tag) => storage.tag(repository, tag)?,
    };
    let Some(digest) = digest else { return Err(unknown()?) };
    let Some(record) = storage.record(repository, &digest)? else { return Err(unknown()?) };
    let Some(bytes) = storage.content(&digest)? else {
        let path = storage.content_path(&digest);
        return Err(StorageError::Damaged { path, detail: "a manifest's content is missing".to_owned() }.into());
    };
    // Manifests are small and everything depends on them: detect a flipped bit here, not in the client.
    if Digest::of(&bytes) != digest {
        let path = storage.content_path(&digest);
        return Err(StorageError::Damaged { path, detail: "the digest of a manifest does not match".to_owned() }.into());
    }
    Ok((digest, record.media_type, bytes))
}

async fn put(mut call: Call, repository: Repository, reference: Reference) -> Answer {
    call.allow(Action::Push, &repository).await?;
    let media_type = call.header(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    let too_large = || {
        let text = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes: move large content into blobs");
        Refusal::new(Code::ManifestInvalid, text).with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let bytes = body::whole(&mut call.body, MANIFEST_BYTES_MAX, too_large).await?;
    let named = repository.clone();
    let published = call
        .blocking(move |app| {
            let published = publish::publish(&app.storage, app.keys(), &named, &reference, &media_type, &bytes)?;
            tracing::info!(repository = %named, reference = %reference, digest = %published.digest, "published");
            Ok(published)
        })
        .await?;
    let mut response = body::empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    let texts = [
        ("location", Some(format!("/v2/{repository}/manifests/{}", published.digest))),
        ("docker-content-digest", Some(published.digest.to_string())),
        ("oci-subject", published.subject.map(|subject| subject.to_string())),
    ];
    for (name, text) in texts {
        let value = text.and_then(|text| HeaderValue::from_str(&text).ok());
        headers.extend(value.map(|value| (header::HeaderName::from_static(name), value)));
    }
    Ok(response)
}
