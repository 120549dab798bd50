//! One delivery: the inputs of the pure function, the call, and what the store is told of its end.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::egress::Egress;
use crate::model::delivery::DeliveryInfo;
use crate::model::event::Event;
use crate::model::failure::{Failure, FailureKind};
use crate::model::grants::Grants;
use crate::model::http::{HttpError, Request, Response};
use crate::model::installation::{Installation, Pause};
use crate::model::names::{InstallationId, Position};
use crate::runtime::{Call, Cause, LookUps, StateReadError, StateReader};
use crate::store::{Attempt, Claim, Ready, Store, StoreError, Then, Verdict};

use super::Shared;
use super::generations::Loaded;
use super::retry::Backoff;

/// How often a delivery is run again because others wrote what it read, before it steps back like a failed one.
const CONFLICTS_MAX: u32 = 50;

/// How a delivery ended, for its dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Settled; the entry of the same lane that may go next.
    Settled { next: Option<Ready> },
    /// Its generation is not active any more: deliver to the active one.
    Again,
    /// Waits for a later time, or with its installation.
    Waits,
}

/// Delivers one entry to a generation.
pub(super) async fn deliver(
    shared: &Shared,
    installation: &Installation,
    loaded: &Loaded,
    entry: Ready,
) -> Result<Ended, StoreError> {
    for round in 0.. {
        let snapshot = shared.store.snapshot();
        let Some(claim) = shared.store.claim(installation.id, entry)? else { return Ok(Ended::Waits) };
        let number = claim.attempts + 1;
        let time = shared.clock.now();
        let info = info(shared, installation, entry.position, number);
        let call = call(shared, installation, loaded, info, &claim.event);
        let called = loaded.prepared.handle(call, &claim.event).await;
        let attempt = Attempt {
            installation: installation.id,
            position: entry.position,
            lane: entry.lane,
            generation: installation.active.generation,
            number,
            time,
            finished_at: shared.clock.now(),
        };
        let (verdict, waits) = match called.outcome {
            Ok(effects) => (shared.store.commit(attempt, snapshot, effects, called.trace).await?, false),
            Err(failure) => {
                let then = decide(shared, installation, &failure, &claim, number);
                let waits = !matches!(then, Then::DeadLetter);
                report(installation, entry.position, &failure, number, &then);
                (shared.store.fail(attempt, snapshot, failure, then, called.trace).await?, waits)
            }
        };
        match verdict {
            Verdict::Done { .. } if waits => return Ok(Ended::Waits),
            Verdict::Done { next } => return Ok(Ended::Settled { next }),
            Verdict::Fenced => return Ok(Ended::Again),
            Verdict::Gone => return Ok(Ended::Waits),
            Verdict::Conflict if round < CONFLICTS_MAX => {}
            Verdict::Conflict => {
                tracing::warn!(
                    installation = %installation.name, position = entry.position.0,
                    "others keep writing what this delivery reads; it is run again with the next events",
                );
                return Ok(Ended::Again);
            }
        }
    }
    Ok(Ended::Again)
}

/// Calls `validate` of a generation that is not active yet.
pub(super) async fn validate(shared: &Shared, installation: &Installation, loaded: &Loaded) -> Result<(), Failure> {
    let info = info(shared, installation, Position(0), 0);
    let event = Event {
        id: "validate".to_owned(),
        source: format!("/installations/{}", installation.name),
        type_name: "com.handoff.validate.v1".to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: Vec::new(),
    };
    let call = call(shared, installation, loaded, info, &event);
    loaded.prepared.validate(call).await.outcome.map(|_| ())
}

/// What happens to a failed delivery.
fn decide(shared: &Shared, installation: &Installation, failure: &Failure, claim: &Claim, number: u32) -> Then {
    let now = shared.clock.now();
    match failure.kind {
        FailureKind::Reject => Then::DeadLetter,
        FailureKind::Misconfigured => {
            let message = format!("version {}: {}", installation.active.content.version, failure.message);
            Then::Pause(Pause { at: now, message })
        }
        FailureKind::Retry { .. } if number >= shared.limits.max_attempts => Then::DeadLetter,
        FailureKind::Retry { after_ms } => {
            let backoff = Backoff { base_ms: shared.limits.retry_base_ms, cap_ms: shared.limits.retry_cap_ms };
            let mut random = shared.random.lock();
            Then::Retry { due: backoff.next(&mut *random, now, claim.attempts + 1, after_ms) }
        }
    }
}

fn report(installation: &Installation, position: Position, failure: &Failure, attempt: u32, then: &Then) {
    let (installation, generation, code) = (&installation.name, installation.active.generation, &failure.code);
    match then {
        Then::Retry { due } => {
            tracing::info!(%installation, %generation, position = position.0, code, attempt, retry_at = %due, "delivery failed, will be tried again");
        }
        Then::DeadLetter => {
            tracing::warn!(%installation, %generation, position = position.0, code, attempt, "delivery became a dead letter");
        }
        Then::Pause(pause) => {
            tracing::error!(%installation, %generation, position = position.0, message = pause.message, "installation paused");
        }
    }
}

fn info(shared: &Shared, installation: &Installation, position: Position, attempt: u32) -> DeliveryInfo {
    DeliveryInfo {
        installation: installation.name.clone(),
        generation: installation.active.generation,
        position,
        attempt,
        time: shared.clock.now(),
        rooftop: installation.rooftop.clone(),
        time_zone: shared.time_zone(&installation.rooftop),
        dry_run: false,
    }
}

fn call(shared: &Shared, installation: &Installation, loaded: &Loaded, info: DeliveryInfo, event: &Event) -> Call {
    let seed = seed(event, &info);
    Call {
        info,
        config_json: loaded.config_json.clone(),
        grants: loaded.grants.clone(),
        seed,
        cause: Cause { source: event.source.clone(), id: event.id.clone(), hops: event.hop_count() },
        state: Arc::new(StoredState { store: shared.store.clone(), installation: installation.id }),
        look_ups: Arc::new(LiveLookUps(shared.egress.clone())),
    }
}

/// Random bytes follow from event, installation and attempt, so that a replay sees the same.
fn seed(event: &Event, info: &DeliveryInfo) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [event.source.as_bytes(), event.id.as_bytes(), info.installation.as_str().as_bytes()] {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.update(info.attempt.to_be_bytes());
    hasher.finalize().into()
}

/// An installation's committed state.
struct StoredState {
    store: Store,
    installation: InstallationId,
}

impl StateReader for StoredState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        self.store.state_get(self.installation, key).map_err(|error| StateReadError(error.to_string()))
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError> {
        let found = self.store.state_scan(self.installation, prefix, after, limit);
        found.map_err(|error| StateReadError(error.to_string()))
    }
}

/// Look-ups over the network.
struct LiveLookUps(Egress);

impl LookUps for LiveLookUps {
    fn fetch<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        self.0.look_up(grants, request).boxed()
    }
}
