//! One delivery: assembles the inputs of the pure function, makes the call, and reports the outcome to the store.
//! Decides nothing about order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use handoff_model::call::{Call, Called, Cause, LookUps, StateReadError, StateReader};
use handoff_model::delivery::DeliveryInfo;
use handoff_model::effects::{Effects, Trace};
use handoff_model::event::Event;
use handoff_model::failure::{Failure, FailureKind, host_codes};
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::installation::{Installation, Pause};
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_model::track_record::InputId;
use handoff_store::{Attempt, CapacityExceeded, FailureAction, Ready, Snapshot, Store, StoreError, Verdict};

use super::Shared;
use super::crashes::Failing;
use super::generations::Loaded;
use super::retry::Backoff;
use super::running::Running;
use crate::ports::Outbound;

/// How often a delivery is repeated after a conflict with another commit, before it is retried later like a failed one.
const CONFLICTS_MAX: u32 = 50;

/// Most bytes of effects and recording that one delivery may hold while it waits for the disk and no longer counts as
/// running.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// How a delivery ended, for its dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Settled. Contains the next entry of the same queue that is ready, if any.
    Settled { next: Option<Ready> },
    /// Unchanged, and to be delivered to the active generation. The generation of this delivery is no longer active, or
    /// it paused the installation, which may be resumed by now.
    Again,
    /// Waits for a later time.
    Waits,
    /// The queue no longer holds the entry as it was found: look up entries from the start.
    Gone,
}

/// Delivers one entry to a generation. `calls` bounds the calls that run at once; `first` is the permit for the first
/// one. `running` records since when the connector has been running.
pub(super) async fn deliver(
    shared: &Shared,
    installation: &Installation,
    loaded: &Loaded,
    entry: Ready,
    (calls, first): (&Semaphore, OwnedSemaphorePermit),
    running: &Arc<Running>,
) -> Result<Ended, StoreError> {
    let mut first = Some(first);
    for round in 0.. {
        // The semaphore is never closed, so a permit is always granted eventually.
        let again = if first.is_some() { None } else { calls.acquire().await.ok() };
        let snapshot = shared.store.snapshot();
        let claim = match shared.store.claim(installation.id, entry) {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(Ended::Gone),
            Err(error) => return unreadable(shared, installation, entry, snapshot, &error).await,
        };
        let number = claim.attempts + 1;
        let scope = shared.store.handled_scope(installation, &claim.scope);
        let info = info(shared, installation, scope.clone(), entry.position, number);
        // The time that the connector sees, so that a replay sees the same.
        let time = info.time;
        let call = Call { on_start: Some(running.clone()), ..call(shared, installation, loaded, info, &claim.event) };
        let called = {
            let _over = running.over_when_dropped();
            AssertUnwindSafe(loaded.prepared.handle(call, &claim.event)).catch_unwind().await
        };
        let called = called.unwrap_or_else(|_| panicked());
        let of_event = claim.scope.clone();
        let input = InputId::of(&claim.event.type_name);
        drop(claim);
        let running = (first.take(), again);
        // The next delivery may run while this one waits for the disk, unless this one holds a lot of memory. Memory is
        // then bounded by the number of running deliveries.
        let _running = (held_bytes(&called) > WAITING_BYTES_MAX).then_some(running);
        let attempt = attempt(installation, entry, of_event, number, (time, shared.clock.now()), input);
        let outcome = called.outcome.and_then(|effects| {
            match shared.store.exceeded_capacity(installation.id, &scope, &effects) {
                Ok(None) => Ok(effects),
                Ok(Some(exceeded)) => Err(over_capacity(&exceeded)),
                Err(error) => Err(Failure::retry(host_codes::STATE_READ, error.to_string())),
            }
        });
        let code = outcome.as_ref().err().map(|failure| failure.code.clone());
        let (verdict, failed) = match outcome {
            Ok(effects) => {
                shared.taps.before_commit(&shared.store, installation.id, &effects.state_writes);
                (shared.store.commit(attempt, snapshot, effects, called.trace).await?, None)
            }
            Err(failure) => {
                let failing = Failing {
                    installation: installation.id,
                    position: entry.position,
                    generation: installation.active.generation,
                    attempt: number,
                    failure: &failure,
                    exchanges: &called.trace.exchanges,
                };
                let given_up = failing.given_up(&shared.store)?;
                let then = match given_up {
                    Some(_) => FailureAction::DeadLetter,
                    None => decide(shared, installation, &failure, number),
                };
                let failure = given_up.unwrap_or(failure);
                let failed = match &then {
                    FailureAction::Retry { .. } => Some(Ended::Waits),
                    FailureAction::Pause(_) => Some(Ended::Again),
                    FailureAction::DeadLetter => None,
                };
                report(installation, entry.position, &failure, number, &then);
                (shared.store.fail(attempt, snapshot, failure, then, called.trace).await?, failed)
            }
        };
        match verdict {
            Verdict::Done { next } => {
                match code {
                    Some(code) => shared.tallies.failed(installation, &code),
                    None => shared.tallies.committed(installation),
                }
                shared.probations.note(installation.id);
                return Ok(failed.unwrap_or(Ended::Settled { next }));
            }
            Verdict::Fenced => return Ok(Ended::Again),
            Verdict::Gone => return Ok(Ended::Gone),
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

/// Handles an event that cannot be read like any other failure, so that it blocks only its own queue.
async fn unreadable(
    shared: &Shared,
    installation: &Installation,
    entry: Ready,
    snapshot: Snapshot,
    error: &StoreError,
) -> Result<Ended, StoreError> {
    let Some(attempts) = shared.store.failed_attempts(installation.id, entry)? else { return Ok(Ended::Gone) };
    let (number, now) = (attempts + 1, shared.clock.now());
    let failure = Failure::retry(host_codes::EVENT_READ, error.to_string());
    let then = decide(shared, installation, &failure, number);
    report(installation, entry.position, &failure, number, &then);
    // The scope of an event that cannot be read is unknown. A failure has no effects that would need it.
    let attempt = attempt(installation, entry, installation.scope.clone(), number, (now, now), InputId::default());
    shared.tallies.failed(installation, host_codes::EVENT_READ);
    Ok(match shared.store.fail(attempt, snapshot, failure, then, Trace::default()).await? {
        Verdict::Done { next: Some(next) } => Ended::Settled { next: Some(next) },
        Verdict::Done { next: None } => Ended::Waits,
        Verdict::Fenced | Verdict::Conflict => Ended::Again,
        Verdict::Gone => Ended::Gone,
    })
}

/// How an attempt identifies itself to the committer: its event's scope, its number, when it began and when it ended.
fn attempt(
    installation: &Installation,
    entry: Ready,
    scope: Scope,
    number: u32,
    (time, finished_at): (Timestamp, Timestamp),
    input: InputId,
) -> Attempt {
    Attempt {
        installation: installation.id,
        position: entry.position,
        queue_key: entry.queue_key,
        scope,
        generation: installation.active.generation,
        input,
        number,
        time,
        finished_at,
    }
}

/// The approximate memory that a call's outcome and recording use, in bytes.
fn held_bytes(called: &Called) -> usize {
    called.trace.bytes() + called.outcome.as_ref().map_or(0, Effects::bytes)
}

/// What does not fit now may fit later: the event is retried, and finally becomes a dead letter so that queues do not
/// grow without bound.
fn over_capacity(exceeded: &CapacityExceeded) -> Failure {
    let code = match exceeded {
        CapacityExceeded::Queue { .. } => host_codes::QUEUE_FULL,
        CapacityExceeded::Timers { .. } => host_codes::TIMERS,
        CapacityExceeded::Outbox { .. } => host_codes::OUTBOX,
    };
    Failure::retry(code, exceeded.to_string())
}

/// A panic of the host counts as an attempt, so that an event that always causes one becomes a dead letter.
pub(super) fn panicked() -> Called {
    let message = "the host panicked during the delivery; its log says where";
    Called { outcome: Err(Failure::retry(host_codes::HOST_PANIC, message)), trace: Trace::default() }
}

/// Calls `validate` of a generation that is not active yet.
pub(super) async fn validate(shared: &Shared, installation: &Installation, loaded: &Loaded) -> Result<(), Failure> {
    let call = lifecycle_call(shared, installation, loaded, "validate");
    loaded.prepared.validate(call).await.outcome.map(|_| ())
}

/// Calls `migrate` of a generation that is not active yet. Its writes are returned as data.
pub(super) async fn migrate(shared: &Shared, installation: &Installation, loaded: &Loaded, from: u32) -> Called {
    let call = lifecycle_call(shared, installation, loaded, "migrate");
    AssertUnwindSafe(loaded.prepared.migrate(call, from)).catch_unwind().await.unwrap_or_else(|_| panicked())
}

/// The inputs of a call that is not caused by an event.
fn lifecycle_call(shared: &Shared, installation: &Installation, loaded: &Loaded, what: &str) -> Call {
    let info = info(shared, installation, installation.scope.clone(), Position(0), 0);
    let event = Event {
        id: what.to_owned(),
        source: format!("/installations/{}", installation.name),
        type_name: format!("com.handoff.{what}.v1"),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: Vec::new(),
    };
    call(shared, installation, loaded, info, &event)
}

/// Decides what happens to a failed delivery.
fn decide(shared: &Shared, installation: &Installation, failure: &Failure, number: u32) -> FailureAction {
    let now = shared.clock.now();
    match failure.kind {
        FailureKind::Reject => FailureAction::DeadLetter,
        FailureKind::Misconfigured => {
            let message = format!("version {}: {}", installation.active.content.version, failure.message);
            FailureAction::Pause(Pause::by_host(message, now))
        }
        FailureKind::Retry { .. } if number >= shared.limits.max_attempts => FailureAction::DeadLetter,
        FailureKind::Retry { after_ms } => {
            let backoff = Backoff { base_ms: shared.limits.retry_base_ms, cap_ms: shared.limits.retry_cap_ms };
            let mut random = shared.random.lock();
            FailureAction::Retry { due: backoff.next(&mut *random, now, number, after_ms) }
        }
    }
}

fn report(installation: &Installation, position: Position, failure: &Failure, attempt: u32, then: &FailureAction) {
    let (installation, generation, code) = (&installation.name, installation.active.generation, &failure.code);
    match then {
        FailureAction::Retry { due } => {
            tracing::info!(%installation, %generation, position = position.0, code, attempt, retry_at = %due, "delivery failed, will be tried again");
        }
        FailureAction::DeadLetter => {
            tracing::warn!(%installation, %generation, position = position.0, code, attempt, "delivery became a dead letter");
        }
        FailureAction::Pause(pause) => {
            tracing::error!(%installation, %generation, position = position.0, message = pause.message, "installation paused");
        }
    }
}

fn info(shared: &Shared, installation: &Installation, scope: Scope, position: Position, attempt: u32) -> DeliveryInfo {
    DeliveryInfo {
        installation: installation.name.clone(),
        generation: installation.active.generation,
        position,
        attempt,
        time: shared.clock.now(),
        time_zone: shared.time_zone(&scope),
        scope,
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
        look_ups: Arc::new(LiveLookUps { egress: shared.egress.clone(), from: installation.scope.clone() }),
        on_start: None,
    }
}

/// The random seed is derived from event, scope, installation and attempt, so that a replay sees the same. Two rooftops
/// may have events of the same source and id.
pub(super) fn seed(event: &Event, info: &DeliveryInfo) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let path = info.scope.path();
    for part in [event.source.as_bytes(), event.id.as_bytes(), path.as_bytes(), info.installation.as_str().as_bytes()] {
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
struct LiveLookUps {
    egress: Arc<dyn Outbound>,
    from: Scope,
}

impl LookUps for LiveLookUps {
    fn fetch<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        self.egress.look_up(&self.from, grants, request)
    }
}
