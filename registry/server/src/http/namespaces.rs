//! `POST /v1/namespaces`: a publisher asks for a name. The rules are in `namespaces`.

use http::{Method, StatusCode};
use serde_json::json;

use super::body::{self, whole};
use super::{Answer, Call, only};
use crate::auth::Action;
use crate::publish::now_ms;
use crate::refusal::{Code, Refusal};
use handoff_package::trust::dsse::ENVELOPE_BYTES_MAX;

pub(super) async fn request(mut call: Call) -> Answer {
    only(&call, &[Method::POST])?;
    // Who may not read here has nothing to ask for.
    call.allow_any(Action::Pull, None).await?;
    let too_large = || {
        let text = format!("a request has at most {ENVELOPE_BYTES_MAX} bytes");
        Refusal::new(Code::SizeInvalid, text).with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let bytes = whole(&mut call.body, ENVELOPE_BYTES_MAX, too_large).await?;
    let host = call.host();
    let address = call.client;
    let work = move |app: &super::App| app.namespaces.request(&bytes, address, &host, now_ms());
    let (request, state) = call.blocking(work).await?;
    let status = if state == crate::namespaces::State::Bound { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(body::json(
        status,
        &json!({ "publisher": request.publisher, "keyId": request.key.id().to_string(), "state": state }),
    ))
}
