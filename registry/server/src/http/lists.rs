//! Lists: tags, the catalog, and the referrers of a manifest. Every list is bounded; `Link` points to the next page
//! (RFC 8288).

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};

use super::body::{self, Body};
use super::query::encode;
use super::{Answer, Call, only};
use crate::auth::Action;
use crate::content::Content;
use crate::name;
use crate::name::Repository;
use crate::refusal::{Code, Refusal};
use crate::storage::{Referrer, Storage, StorageError};
use handoff_package::Digest;
use handoff_package::artifact::IMAGE_INDEX_MEDIA_TYPE;

/// Maximum and default number of entries per page.
const PAGE_MAX: usize = 10_000;
/// Referrers per page.
const REFERRERS_MAX: usize = 500;
/// Size limit of a page of referrers in bytes: clients limit it as they limit a manifest.
const REFERRERS_BYTES_MAX: usize = 3 << 20;

/// `GET /v2/NAME/tags/list?n=&last=`
pub(super) async fn tags(call: &Call, repository: Repository) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    call.allow(Action::Pull, &repository).await?;
    let count = call.query.number("n", PAGE_MAX, PAGE_MAX)?;
    let last = call.query.get("last").unwrap_or_default().to_owned();
    let named = repository.clone();
    let (tags, more) = call
        .blocking(move |app| {
            let index = app.storage.index()?;
            if !index.has_repository(&named)? {
                return Err(Refusal::new(Code::NameUnknown, format!("there is no repository {named}")));
            }
            let tags = index.tags(&named, &last, count.saturating_add(1))?;
            Ok(page(tags.into_iter().map(|(tag, _)| tag.to_string()).collect(), count))
        })
        .await?;
    let next = tags.last().filter(|_| more);
    let next = next.map(|last| format!("/v2/{repository}/tags/list?n={count}&last={}", encode(last)));
    Ok(linked(body::json(StatusCode::OK, &json!({ "name": repository.as_str(), "tags": tags })), next))
}

/// `GET /v2/_catalog?n=&last=`
pub(super) async fn catalog(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    call.allow_any(Action::Pull, None).await?;
    let count = call.query.number("n", PAGE_MAX, PAGE_MAX)?;
    let last = call.query.get("last").unwrap_or_default().to_owned();
    let (names, more) = call
        .blocking(move |app| Ok(page(app.storage.index()?.repositories(&last, count.saturating_add(1))?, count)))
        .await?;
    let next = names.last().filter(|_| more);
    let next = next.map(|last| format!("/v2/_catalog?n={count}&last={}", encode(last)));
    Ok(linked(body::json(StatusCode::OK, &json!({ "repositories": names })), next))
}

/// The first `count` entries, and whether there are more.
fn page(mut all: Vec<String>, count: usize) -> (Vec<String>, bool) {
    let more = all.len() > count;
    all.truncate(count);
    (all, more)
}

fn linked(mut response: Response<Body>, next: Option<String>) -> Response<Body> {
    let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    response.headers_mut().extend(link.map(|link| (header::LINK, link)));
    response
}

/// `GET /v2/NAME/referrers/DIGEST?artifactType=`: a list even if it is empty, as the specification requires.
pub(super) async fn referrers(call: &Call, repository: Repository, digest: &str) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let subject = name::digest(digest)?;
    call.allow(Action::Pull, &repository).await?;
    let kind = call.query.get("artifactType").map(str::to_owned);
    let after = call.query.get("last").map(name::digest).transpose()?;
    let (named, wanted) = (repository.clone(), kind.clone());
    let (found, next) =
        call.blocking(move |app| Ok(collect(&app.storage, &named, &subject, wanted.as_deref(), after)?)).await?;
    let list = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX_MEDIA_TYPE, "manifests": found });
    let mut response = body::bytes(StatusCode::OK, IMAGE_INDEX_MEDIA_TYPE, list.to_string());
    if kind.is_some() {
        response.headers_mut().insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
    }
    let filter = kind.map(|kind| format!("&artifactType={}", encode(&kind))).unwrap_or_default();
    let next = next.map(|last| format!("/v2/{repository}/referrers/{subject}?last={last}{filter}"));
    Ok(linked(response, next))
}

/// The descriptors of a page, and the last one visited if there are more.
fn collect(
    storage: &Storage,
    repository: &Repository,
    subject: &Digest,
    kind: Option<&str>,
    mut after: Option<Digest>,
) -> Result<(Vec<Value>, Option<Digest>), StorageError> {
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    loop {
        let rows = storage.index()?.referrers(repository, subject, after.as_ref(), REFERRERS_MAX)?;
        let is_last = rows.len() < REFERRERS_MAX;
        for (digest, row) in rows {
            if found.len() >= REFERRERS_MAX || bytes >= REFERRERS_BYTES_MAX {
                return Ok((found, after));
            }
            after = Some(digest);
            if kind.is_none_or(|kind| row.artifact_type.as_deref() == Some(kind)) {
                let value = descriptor(storage, &digest, &row)?;
                bytes = bytes.saturating_add(value.to_string().len());
                found.push(value);
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
}

fn descriptor(storage: &Storage, digest: &Digest, row: &Referrer) -> Result<Value, StorageError> {
    let mut value = json!({ "mediaType": row.media_type, "digest": digest, "size": row.size });
    let annotations = match storage.content(digest)? {
        Some(bytes) => Content::read(&row.media_type, &bytes).ok().and_then(|content| content.annotations),
        None => None,
    };
    if let Some(object) = value.as_object_mut() {
        object.extend(row.artifact_type.as_ref().map(|kind| ("artifactType".to_owned(), json!(kind))));
        let annotations = annotations.filter(|annotations| !annotations.is_empty());
        object.extend(annotations.map(|annotations| ("annotations".to_owned(), json!(annotations))));
    }
    Ok(value)
}
