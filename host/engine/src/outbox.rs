//! Sends outbox requests when they are due, until they are answered or given up. Decides nothing about what is durable.
//!
//! At most one attempt at a request runs at a time. An attempt sends nothing before the store has durably recorded its
//! beginning. Every attempt carries the same idempotency key, so that an attempt whose answer was lost does no harm.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::FutureExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use handoff_model::event::{Event, PARTITION_KEY, host_types};
use handoff_model::http::Response;
use handoff_model::http::SendOutcome;
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;
use handoff_store::{DueRequest, RequestOutcome, StoreError};

use super::Shared;
use super::retry::Backoff;
use super::sends::OnTheWay;

/// Pause after an error of the store.
const REST: Duration = Duration::from_secs(1);

type Place = (InstallationId, Position);

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let bell = shared.store.wakeups().outbox();
    let mut active = HashSet::<Place>::new();
    let mut running = JoinSet::<()>::new();
    let mut places = HashMap::<Id, Place>::new();
    loop {
        let room = shared.limits.outbox_concurrency.saturating_sub(running.len());
        let mut next = None;
        if room > 0 {
            match shared.store.due_requests(shared.clock.now(), room, |id, position| active.contains(&(id, position))) {
                Ok((due, later)) => {
                    for request in due {
                        let place = (request.installation, request.position);
                        active.insert(place);
                        let on_the_way = shared.sends.register(place, request.generation);
                        places.insert(running.spawn(attempt(shared.clone(), request, on_the_way)).id(), place);
                    }
                    // If the limit is reached, the end of the next request continues here.
                    next = later.filter(|_| running.len() < shared.limits.outbox_concurrency);
                }
                // Another process may be the leader by now.
                Err(StoreError::Stopped(why)) => {
                    tracing::error!(why, "the store has stopped: no outbox request is sent any more");
                    // What is on the wire is cut off, too: its outcome cannot be recorded.
                    running.shutdown().await;
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    next = Some(shared.clock.now().plus_ms(u64::try_from(REST.as_millis()).unwrap_or(1_000)));
                }
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = bell.notified() => {}
            () = shared.wait_until(next) => {}
            Some(ended) = running.join_next_with_id() => {
                let task = match ended {
                    Ok((task, ())) => task,
                    Err(error) => {
                        tracing::error!(%error, "noting the outcome of a request panicked; it is sent again with the same key");
                        shared.pause(REST).await;
                        error.id()
                    }
                };
                if let Some(place) = places.remove(&task) {
                    active.remove(&place);
                }
            }
        }
    }
    while running.join_next().await.is_some() {}
}

/// Makes one attempt, and records its outcome in the store.
async fn attempt(shared: Arc<Shared>, due: DueRequest, on_the_way: OnTheWay) {
    let Some(installation) = shared.store.installation_by_id(due.installation) else { return };
    // After registering: see `sends`.
    let number = match shared.store.start_send(due.installation, due.position).await {
        Ok(Some(number)) => number,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(installation = %installation.name, position = due.position.0, %error, "a request is not sent");
            return shared.pause(REST).await;
        }
    };
    let key = idempotency_key(&installation, &due.request.key);
    let grants = &installation.active.content.grants;
    let sending =
        AssertUnwindSafe(shared.egress.send(&installation.scope, grants, &due.request.request, &key)).catch_unwind();
    let Some(outcome) = on_the_way.unless_cut(sending).await else {
        return cut_off(&shared, &installation, &due).await;
    };
    // Counts as an attempt: it may have reached the target, and must not be repeated without a pause and a limit.
    let panicked = |_| SendOutcome::Retry {
        error: "the host panicked while it sent".to_owned(),
        status: None,
        after_ms: None,
        may_have_arrived: true,
    };
    let outcome = outcome.unwrap_or_else(panicked);
    let now = shared.clock.now();
    let outcome = decide(&shared, &installation, &due, number, now, outcome);
    record(&shared, &due, now, outcome).await;
}

/// A rollback abandoned its generation while it was being sent: whether the target received it is unknown.
async fn cut_off(shared: &Shared, installation: &Installation, due: &DueRequest) {
    let (name, key) = (&installation.name, &due.request.key);
    tracing::warn!(installation = %name, key, "outbox request cut off by a rollback; it is held");
    let error = "cut off by a rollback while it was sent: it may have reached the target".to_owned();
    record(shared, due, shared.clock.now(), RequestOutcome::Unknown { error }).await;
}

/// Decides what happens to a request after an attempt.
fn decide(
    shared: &Shared,
    installation: &Installation,
    due: &DueRequest,
    attempts: u32,
    now: Timestamp,
    outcome: SendOutcome,
) -> RequestOutcome {
    match outcome {
        SendOutcome::Answered(response) => {
            let answer = due.request.answer.then(|| answered(installation, due, now, attempts, &response));
            RequestOutcome::Answered { status: response.status, answer }
        }
        SendOutcome::NotNow { after_ms } => RequestOutcome::NotNow { due: now.plus_ms(after_ms.max(1)) },
        SendOutcome::Retry { error, after_ms, may_have_arrived, .. }
            if attempts < shared.limits.outbox_max_attempts =>
        {
            let backoff =
                Backoff { base_ms: shared.limits.outbox_retry_base_ms, cap_ms: shared.limits.outbox_retry_cap_ms };
            let due = backoff.next(&mut *shared.random.lock(), now, attempts, after_ms);
            RequestOutcome::Retry { due, error, may_have_arrived }
        }
        SendOutcome::Retry { error, may_have_arrived, .. } | SendOutcome::Failed { error, may_have_arrived } => {
            tracing::warn!(installation = %installation.name, key = due.request.key, error, "outbox request failed for good");
            let answer = due.request.answer.then(|| failed(installation, due, now, attempts, &error));
            RequestOutcome::Failed { error, may_have_arrived, answer }
        }
    }
}

async fn record(shared: &Shared, due: &DueRequest, now: Timestamp, outcome: RequestOutcome) {
    shared.tallies.sent(due.installation, &outcome);
    if let Err(error) = shared.store.finish_send(due.installation, due.position, now, outcome).await {
        tracing::error!(%error, "the outcome of a request is not recorded; it is sent again with the same key");
        // Not immediately: the store has stopped.
        shared.pause(REST).await;
    } else {
        shared.probations.note(due.installation);
    }
}

/// The idempotency key of a request: the same for every attempt, and different for every other request of any
/// installation.
#[must_use]
pub fn idempotency_key(installation: &Installation, key: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(installation.name.as_str());
    hasher.update([0]);
    hasher.update(key);
    hex::encode(hasher.finalize()).chars().take(32).collect()
}

fn answered(
    installation: &Installation,
    due: &DueRequest,
    now: Timestamp,
    attempts: u32,
    response: &Response,
) -> Event {
    let (body, body_base64) = match std::str::from_utf8(&response.body) {
        Ok(text) => (Some(text), None),
        Err(_) => (None, Some(base64::engine::general_purpose::STANDARD.encode(&response.body))),
    };
    let data = json!({
        "key": due.request.key,
        "outcome": "answered",
        "status": response.status,
        "headers": response.headers,
        "body": body,
        "bodyBase64": body_base64,
        "attempts": attempts,
    });
    outcome_event(installation, due, now, &data)
}

fn failed(installation: &Installation, due: &DueRequest, now: Timestamp, attempts: u32, error: &str) -> Event {
    let data = json!({ "key": due.request.key, "outcome": "failed", "error": error, "attempts": attempts });
    outcome_event(installation, due, now, &data)
}

fn outcome_event(installation: &Installation, due: &DueRequest, now: Timestamp, data: &serde_json::Value) -> Event {
    let mut extensions = BTreeMap::new();
    if let Some(key) = &due.request.partition_key {
        extensions.insert(PARTITION_KEY.to_owned(), key.clone());
    }
    Event {
        id: due.position.to_string(),
        source: format!("/outbox/{}", installation.name),
        type_name: host_types::OUTBOX_ANSWERED.to_owned(),
        subject: Some(due.request.key.clone()),
        time: Some(now),
        data_content_type: Some("application/json".to_owned()),
        data_schema: None,
        extensions,
        data: data.to_string().into_bytes(),
    }
}
