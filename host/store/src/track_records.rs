//! The track records of active and previous generations: updated from changes, saved with each checkpoint, and so the same
//! after a restart. Reads no rows and judges nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use handoff_model::failure::{Failure, FailureKind, host_codes};
use handoff_model::http::{Exchange, HttpError};
use handoff_model::installation::{GenerationReason, GenerationRecord};
use handoff_model::names::InstallationId;
use handoff_model::track_record::{EffectKind, Observation, Outcome, TrackRecord, target_of};

use super::Store;
use super::changes::{AfterFailure, Change, Committed, Failed, Frame, Recording, SendFinished};
use super::rows::{OutboxRow, OutboxState};

/// A generation with fewer deliveries does not replace an older one as baseline.
const BASELINE_MIN: u64 = 50;
/// A request that failed for good after this many attempts was refused by a rule or a setting. Later, its target was away.
const REFUSED_ATTEMPTS_MAX: u32 = 3;

/// The track records of one installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecords {
    /// Of the active generation.
    pub active: TrackRecord,
    /// Of the generation that it is compared with, if any: the newest earlier one with enough deliveries.
    pub baseline: Option<TrackRecord>,
}

/// The track records of all installations. Shared, so that a checkpoint and a reader copy nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct AllTrackRecords(BTreeMap<InstallationId, Arc<TrackRecords>>);

impl Serialize for AllTrackRecords {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, records)| (id, records.as_ref())))
    }
}

impl<'de> Deserialize<'de> for AllTrackRecords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<InstallationId, TrackRecords>::deserialize(deserializer)?;
        Ok(Self(all.into_iter().map(|(id, records)| (id, Arc::new(records))).collect()))
    }
}

impl Store {
    /// The track records of an installation: what its deliveries came to.
    #[must_use]
    pub fn track_records(&self, id: InstallationId) -> Arc<TrackRecords> {
        self.shared.track_records.read().0.get(&id).cloned().unwrap_or_default()
    }
}

impl AllTrackRecords {
    /// Adds the changes of a frame.
    pub(super) fn add(&mut self, frame: &Frame) {
        frame.changes.iter().for_each(|change| self.add_change(change));
    }

    fn add_change(&mut self, change: &Change) {
        match change {
            Change::DeliveryCommitted(committed) => self.own(committed.entry.installation).committed(committed),
            Change::DeliveryFailed(failed) => self.own(failed.entry.installation).failed(failed),
            Change::SendFinished(finished) => self.own(finished.installation).answered(finished),
            Change::Uninstalled(uninstalled) => drop(self.0.remove(&uninstalled.installation.id)),
            Change::GenerationAdded(added) => self.own(added.installation).begin(&added.record),
            Change::EventsAppended { .. }
            | Change::TimersFired { .. }
            | Change::TimersRestored { .. }
            | Change::StateWritten { .. }
            | Change::InstallationPut(_)
            | Change::StateSchemaSet { .. }
            | Change::DeadLettersRedriven { .. }
            | Change::DeadLettersDiscarded { .. }
            | Change::EventsCarried(_)
            | Change::EventsForgotten(_)
            | Change::EventsRequeued(_)
            | Change::EventsWithdrawn(_)
            | Change::RequestsCarried(_)
            | Change::RequestsMoved(_)
            | Change::RetriesMoved { .. }
            | Change::RollbackForgotten { .. }
            | Change::RollbackMoved(_)
            | Change::SendStarted(_)
            | Change::UndoAdded(_)
            | Change::UndoBegun { .. }
            | Change::UndoClosed { .. }
            | Change::UndoDropped { .. }
            | Change::AuditAppended(_)
            | Change::HostRecordSet(_)
            | Change::RowsDropped { .. } => {}
        }
    }

    fn own(&mut self, id: InstallationId) -> &mut TrackRecords {
        // Copied only if a checkpoint or a reader still has the last one.
        Arc::make_mut(self.0.entry(id).or_default())
    }
}

impl TrackRecords {
    /// A generation became active.
    fn begin(&mut self, record: &GenerationRecord) {
        let fresh = TrackRecord::of(record.generation);
        match record.reason {
            GenerationReason::Install => *self = Self { active: fresh, baseline: None },
            GenerationReason::Upgrade | GenerationReason::Reconfigure => {
                let before = std::mem::replace(&mut self.active, fresh);
                let known = self.baseline.as_ref().map_or(0, |baseline| baseline.events);
                if before.events >= BASELINE_MIN.min(known) {
                    self.baseline = Some(before);
                }
            }
            // The restored version continues where it was.
            GenerationReason::Rollback { restores } => {
                let before = self.baseline.take().filter(|before| before.generation == restores);
                self.active = before.unwrap_or(fresh);
                self.active.generation = record.generation;
            }
        }
    }

    fn committed(&mut self, committed: &Committed) {
        let Committed { recording, emitted, outbox, outbox_repeated, exchanges, .. } = committed;
        self.note_targets(exchanges);
        if self.active.generation != recording.generation {
            return;
        }
        self.active.finished += 1;
        if recording.attempt > 1 {
            return;
        }
        let repeated = committed.repeated_events().iter().map(|repeated| repeated.event.type_name.as_str());
        let events = emitted.iter().map(|logged| logged.event.type_name.as_str()).chain(repeated);
        let targets = outbox.iter().map(|logged| target_of(&logged.request.request.url));
        let requests = targets.flat_map(|target| [EffectKind::AnyRequest, EffectKind::Request(target)]);
        let requests = requests.chain(outbox_repeated.iter().map(|_| EffectKind::AnyRequest));
        self.active.observe(&Observation {
            input: recording.input,
            outcome: Outcome::Committed,
            own_us: own_us(recording, exchanges),
            effects: events.map(EffectKind::Event).chain(requests).collect(),
        });
    }

    fn failed(&mut self, failed: &Failed) {
        let Failed { recording, failure, then, exchanges, .. } = failed;
        self.note_targets(exchanges);
        // A connector that paused is judged by that, and the event comes again.
        let is_counted = !failure.is_hosts_own() && !matches!(then, AfterFailure::Paused);
        if self.active.generation != recording.generation || !is_counted {
            return;
        }
        let is_excused = self.is_excused(failure, recording, exchanges);
        if matches!(then, AfterFailure::DeadLetter { .. }) && !is_excused {
            self.active.finished += 1;
            self.active.given_up += 1;
        }
        if recording.attempt > 1 {
            return;
        }
        if is_excused {
            self.active.excused += 1;
            return;
        }
        self.active.observe(&Observation {
            input: recording.input,
            outcome: if failure.is_crash() { Outcome::Crashed } else { Outcome::Failed },
            own_us: own_us(recording, exchanges),
            effects: Vec::new(),
        });
    }

    /// Whether a failure is explained by a target that is away but answered before. A target that never answered may be
    /// the wrong one.
    fn is_excused(&self, failure: &Failure, recording: &Recording, exchanges: &[Exchange]) -> bool {
        let waited_us = look_ups_us(exchanges);
        let is_late = failure.code == host_codes::DEADLINE && waited_us > recording.duration_us / 2;
        let is_reported = matches!(failure.kind, FailureKind::Retry { .. }) && !failure.is_crash();
        (is_late || is_reported)
            && exchanges.iter().any(|exchange| is_away(exchange) && self.has_answered(target_of(&exchange.request.url)))
    }

    fn has_answered(&self, target: &str) -> bool {
        self.active.has_answered(target) || self.baseline.as_ref().is_some_and(|baseline| baseline.has_answered(target))
    }

    fn note_targets(&mut self, exchanges: &[Exchange]) {
        for exchange in exchanges.iter().filter(|exchange| exchange.result.is_ok() && !is_away(exchange)) {
            self.active.answered(target_of(&exchange.request.url));
        }
    }

    fn answered(&mut self, finished: &SendFinished) {
        let OutboxRow { generation, attempts, target, state, .. } = &finished.row;
        let is_refused = match state {
            OutboxState::Answered { status, .. } => (400..500).contains(status),
            OutboxState::Failed { .. } if *attempts <= REFUSED_ATTEMPTS_MAX => true,
            _ => return,
        };
        if matches!(state, OutboxState::Answered { .. }) {
            self.active.answered(target);
        }
        if self.active.generation == *generation {
            self.active.observe_answer(target, is_refused);
        }
    }
}

/// How long the connector itself ran.
fn own_us(recording: &Recording, exchanges: &[Exchange]) -> u64 {
    recording.duration_us.saturating_sub(look_ups_us(exchanges))
}

fn look_ups_us(exchanges: &[Exchange]) -> u64 {
    exchanges.iter().map(|exchange| exchange.duration_ms).fold(0, u64::saturating_add).saturating_mul(1_000)
}

/// Whether a look-up shows that its target is unavailable at the moment.
fn is_away(exchange: &Exchange) -> bool {
    match &exchange.result {
        Ok(response) => matches!(response.status, 408 | 425 | 429 | 500..),
        Err(
            HttpError::Unreachable(_) | HttpError::Interrupted(_) | HttpError::Timeout(_) | HttpError::Unavailable(_),
        ) => true,
        Err(
            HttpError::Denied(_) | HttpError::Invalid(_) | HttpError::ResponseTooLarge(_) | HttpError::LimitExceeded(_),
        ) => false,
    }
}
