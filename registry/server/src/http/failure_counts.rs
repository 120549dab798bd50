//! `POST /v1/failure-counts?repository=NAME`: a host sends counts. `POST /v1/failure-counts/query?repository=NAME`: the
//! publisher asks for their sums. The rules are in `failure_counts`.

use http::{Method, StatusCode};
use serde_json::json;

use super::body::{self, whole};
use super::{Answer, Call, only};
use crate::auth::Action;
use crate::name::Repository;
use crate::publish::now_ms;
use crate::refusal::{Code, Refusal};
use handoff_package::failure_counts::REPORT_BYTES_MAX;
use handoff_package::trust::dsse::ENVELOPE_BYTES_MAX;

pub(super) async fn add(mut call: Call) -> Answer {
    let (repository, bytes) = read(&mut call, REPORT_BYTES_MAX).await?;
    let from = (call.client, now_ms());
    let work = move |app: &super::App| app.failure_counts.add(&app.storage, &repository, &bytes, from);
    let is_new = call.blocking(work).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(body::json(status, &json!({ "state": if is_new { "added" } else { "known" } })))
}

pub(super) async fn query(mut call: Call) -> Answer {
    let (repository, bytes) = read(&mut call, ENVELOPE_BYTES_MAX).await?;
    let host = call.host();
    let work = move |app: &super::App| {
        app.failure_counts.summary(&app.storage, app.keys(), &repository, &bytes, (&host, now_ms()))
    };
    Ok(body::json(StatusCode::OK, &call.blocking(work).await?))
}

/// The repository and the body of a caller who may read it.
async fn read(call: &mut Call, most: usize) -> Result<(Repository, bytes::Bytes), Refusal> {
    only(call, &[Method::POST])?;
    let repository = call.query.get("repository").ok_or_else(|| {
        let text = "expected `?repository=NAME`, with the repository of the package";
        Refusal::new(Code::NameInvalid, text)
    })?;
    let repository = Repository::parse(repository)?;
    call.allow(Action::Pull, &repository).await?;
    let too_large = || {
        let text = format!("the body has over {most} bytes, which is the limit");
        Refusal::new(Code::SizeInvalid, text).with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    Ok((repository, whole(&mut call.body, most, too_large).await?))
}
