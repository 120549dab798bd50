//! `POST /hooks/{installation}`: accepts signed webhooks, and records those that it refuses. The operator sees the true
//! reason; the sender is told only what a stranger may know.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::{Ingress, Named, Shared, TakenView};
use crate::body::BodyLimit;
use crate::reply::{Refusal, View, busy};
use handoff_app::Appended;
use handoff_app::error::AppError;
use handoff_app::hooks::RefusedWebhook;
use handoff_model::names::InstallationName;

/// The address of the client, behind trusted proxies if there are any; none in a test.
pub(super) struct ClientAddress(pub(super) Option<IpAddr>);

impl FromRequestParts<Arc<Ingress>> for ClientAddress {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, ingress: &Arc<Ingress>) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|peer| ingress.proxies.client(peer.0.ip(), &parts.headers))))
    }
}

/// A webhook that was not taken: the answer, and what the operator sees.
struct NotTaken {
    refusal: Refusal,
    reason: String,
    detail: String,
    body_bytes: Option<u64>,
}

impl NotTaken {
    /// The operator sees what the sender is told.
    fn openly(refusal: Refusal, body_bytes: Option<u64>) -> Self {
        let problem = refusal.problem();
        let reason = problem.word().unwrap_or_default().to_owned();
        Self { reason, detail: problem.detail.clone(), refusal, body_bytes }
    }

    fn with_reason(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }
}

pub(super) async fn post(
    State(ingress): Shared,
    Named(name): Named,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let shard = &ingress.shard;
    let named = name.as_deref().and_then(|name| name.parse::<InstallationName>().ok());
    let named = match named {
        Some(name) => shard.takes_webhooks(&name)?.then_some(name),
        None => None,
    };
    let Some(name) = named else {
        // One answer for every name that accepts no webhooks, whatever is posted there, so that names cannot be guessed.
        let refusal = Refusal::from(AppError::NotFound { what: "webhook at this path".to_owned() });
        let detail = "no installation with this name accepts webhooks: check the address that the sender uses";
        let mut not_taken = NotTaken::openly(refusal, announced(&headers)).with_reason("no-such-hook");
        detail.clone_into(&mut not_taken.detail);
        let path = format!("/hooks/{}", crate::printable(name.as_deref().unwrap_or("\u{fffd}")));
        note(&ingress, (None, Some(path)), address, &headers, &not_taken);
        return Err(not_taken.refusal);
    };
    match take(&ingress, &name, &headers, body).await {
        Ok(appended) => {
            shard.note_accepted_webhook(&name, appended);
            Ok(View(StatusCode::ACCEPTED, TakenView::of(&[appended])).into_response())
        }
        Err(not_taken) => {
            note(&ingress, (Some(&name), None), address, &headers, &not_taken);
            Err(not_taken.refusal)
        }
    }
}

async fn take(
    ingress: &Ingress,
    name: &InstallationName,
    headers: &HeaderMap,
    body: Body,
) -> Result<Appended, Box<NotTaken>> {
    let shard = &ingress.shard;
    let most = BodyLimit::of_setting("ingress.hook-body-bytes", shard.process().config().ingress.hook_body_bytes);
    let body = ingress.unverified.read(headers, body, most).await;
    let body = body.map_err(|refusal| NotTaken::openly(refusal, announced(headers)))?;
    let body_bytes = u64::try_from(body.bytes.len()).ok();
    let webhook = shard.verify_webhook(name, headers, &body.bytes).await.map_err(|refused| NotTaken {
        refusal: refused.error.into(),
        reason: refused.reason.to_owned(),
        detail: refused.detail,
        body_bytes,
    })?;
    // Its sender is known now: a slow disk must not keep the share of strangers.
    drop(body);
    // After the signature: a stranger must not use up what the hook's own sender may send.
    ingress.hooks.lock().take(name, shard.process().clock().now()).map_err(|ms| {
        let refusal = busy("this webhook takes too many requests; `Retry-After` says when the next may come", ms);
        NotTaken::openly(refusal, body_bytes).with_reason("hook-rate")
    })?;
    shard.receive_webhook(webhook).await.map_err(|error| {
        let is_full = matches!(error, AppError::Busy { .. } | AppError::Full { .. });
        let chain = error.chain();
        let mut not_taken = NotTaken::openly(error.into(), body_bytes);
        not_taken.detail = chain;
        Box::new(if is_full { not_taken.with_reason("queue-full") } else { not_taken })
    })
}

/// Records a request that was refused before its route was known.
pub(super) fn note_early(
    ingress: &Ingress,
    path: &str,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    (reason, refusal): (&str, &Refusal),
) {
    // Valid names have no character that is encoded in a path.
    let Some(name) = path.strip_prefix("/hooks/").and_then(|name| name.parse::<InstallationName>().ok()) else {
        return;
    };
    if ingress.shard.takes_webhooks(&name).unwrap_or(false) {
        let not_taken = NotTaken::openly(refusal.clone(), announced(headers)).with_reason(reason);
        note(ingress, (Some(&name), None), address, headers, &not_taken);
    }
}

fn note(
    ingress: &Ingress,
    (name, path): (Option<&InstallationName>, Option<String>),
    address: Option<IpAddr>,
    headers: &HeaderMap,
    not_taken: &NotTaken,
) {
    let shard = &ingress.shard;
    let id = name.and_then(|name| shard.webhook_id_header(name)).and_then(|header| {
        let value = headers.get(header)?.to_str().ok()?;
        Some(crate::printable(value))
    });
    let webhook = RefusedWebhook {
        at: shard.process().clock().now(),
        address,
        status: not_taken.refusal.problem().status,
        reason: not_taken.reason.clone(),
        detail: not_taken.detail.clone(),
        body_bytes: not_taken.body_bytes,
        id,
        path,
    };
    shard.note_refused_webhook(name, webhook);
}

/// The size of a body that was not read.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
