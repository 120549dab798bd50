//! The end of a delivery: checks the fence, validates the reads, then writes all effects in one frame, or none.

use crate::changes::{
    AfterFailure, Change, Committed, Entry, Failed, LoggedRequest, MovedRequest, OutboxFacts, Recording,
};
use crate::conflicts::Snapshot;
use crate::keys;
use crate::rows::{DeadLetterRow, Sent, TimerRow, decode};
use crate::{Attempt, FailureAction, NewAudit, Ready, StoreError, Verdict};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, OutboxRequest, Trace};
use handoff_model::installation::Installation;
use handoff_model::names::Position;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::append::Batch;
use super::metrics::dropped_line;
use super::undo::Was;
use super::{Commit, Committer, Fail};

/// The writes of a successful delivery.
struct Decided {
    committed: Committed,
    /// The current values of the timers that it sets or cancels.
    timers_before: Vec<(String, Option<TimerRow>)>,
    /// Held requests that new requests replace.
    replaced: Vec<MovedRequest>,
}

/// The decision about a delivery's requests.
struct DecidedOutbox {
    new: Vec<LoggedRequest>,
    /// Keys of the requests that were sent before.
    repeated: Vec<String>,
    /// Held requests that are replaced by a new request with the same key.
    replaced: Vec<MovedRequest>,
}

impl Committer {
    pub(super) fn commit(&mut self, commit: Commit) {
        let Commit { attempt, snapshot, effects, trace, reply } = commit;
        let done = self.try_commit(&attempt, &snapshot, effects, trace);
        self.answer(reply, done);
    }

    pub(super) fn fail(&mut self, fail: Fail) {
        let done = self.try_fail(&fail);
        self.answer(fail.reply, done);
    }

    fn try_commit(
        &mut self,
        attempt: &Attempt,
        snapshot: &Snapshot,
        effects: Effects,
        trace: Trace,
    ) -> Result<Verdict, StoreError> {
        let entry = match self.admit(attempt, snapshot, &trace)? {
            Ok(entry) => entry,
            Err(verdict) => return Ok(verdict),
        };
        let Decided { committed, timers_before, replaced } = self.decide(entry, attempt, effects, trace)?;
        let keys: Vec<String> = committed.state_writes.iter().map(|(key, _)| key.clone()).collect();
        let next = self.deliverable(&entry, committed.next_head);
        let timers = timers_before.iter().map(|(key, row)| (key, row.clone()));
        let mut kept = self.keep(attempt.installation, keys.iter().map(|key| (key, Was::InIndex)), timers)?;
        let marker = self.replaced_meanwhile(attempt.installation, &replaced);
        let mut changes = Vec::with_capacity(4);
        changes.push(Change::DeliveryCommitted(Box::new(committed)));
        changes.append(&mut kept.changes);
        if !replaced.is_empty() {
            changes.push(Change::RequestsMoved(replaced));
        }
        changes.extend(marker);
        self.write(changes)?;
        self.kept(attempt.installation, kept);
        self.note_handled(attempt);
        self.note_written(attempt.installation, &keys);
        Ok(Verdict::Done { next })
    }

    /// Checks whether this attempt may take effect. If so, returns the queue entry that it ends.
    fn admit(
        &self,
        attempt: &Attempt,
        snapshot: &Snapshot,
        trace: &Trace,
    ) -> Result<Result<Entry, Verdict>, StoreError> {
        let active = self.installation(attempt.installation).map(|installation| installation.active.generation);
        // While state or queues are being restored, no delivery may take effect, whenever it started.
        let is_held = attempt.position > self.shared.delivers_up_to(attempt.installation);
        if active != Some(attempt.generation) || is_held {
            return Ok(Err(Verdict::Fenced));
        }
        let entry = Ready { position: attempt.position, queue_key: attempt.queue_key };
        let Some(row) = self.shared.queued(attempt.installation, entry)? else { return Ok(Err(Verdict::Gone)) };
        let is_first = self.is_first(attempt.installation, attempt.position, row.due)?;
        if row.attempts + 1 != attempt.number || !is_first {
            return Ok(Err(Verdict::Gone));
        }
        if self.recent.conflict(attempt.installation, &trace.reads, snapshot) {
            return Ok(Err(Verdict::Conflict));
        }
        Ok(Ok(Entry {
            installation: attempt.installation,
            position: attempt.position,
            queue_key: attempt.queue_key,
            waited_for: row.due,
            enqueued_at: row.enqueued_at,
        }))
    }

    /// Reads everything that the change of a success needs.
    fn decide(
        &mut self,
        entry: Entry,
        attempt: &Attempt,
        effects: Effects,
        trace: Trace,
    ) -> Result<Decided, StoreError> {
        let id = entry.installation;
        let next_head = self.next_of(&entry)?;
        let mut batch = Batch::default();
        if next_head.is_none() {
            batch.emptied = Some((id, entry.queue_key));
        }
        let scope = self.published(id)?.scope.handles_in(&attempt.scope, &self.shared.options.groups);
        let (emitted, repeated) = self.decide_emitted(&mut batch, &entry, attempt, &scope, effects.emitted)?;
        let mut timers_set = Vec::with_capacity(effects.timers_set.len());
        let mut timers_before = Vec::new();
        for (key, timer) in effects.timers_set {
            let row = TimerRow { due: timer.at, event: timer.event, set_by: entry.position, scope: scope.clone() };
            let before = self.timer(id, &key)?;
            let replaced = before.as_ref().map(|before| before.due);
            timers_before.push((key.clone(), before));
            timers_set.push((key, row, replaced));
        }
        let mut timers_cancelled = Vec::new();
        for key in effects.timers_cancelled {
            match self.timer(id, &key)? {
                Some(before) => {
                    timers_cancelled.push((key.clone(), before.due));
                    timers_before.push((key, Some(before)));
                }
                // A restore would set it otherwise.
                None if self.shared.restoring(id).is_some() => timers_before.push((key, None)),
                None => {}
            }
        }
        let DecidedOutbox { new: outbox, repeated: outbox_repeated, replaced } =
            self.decide_outbox(&entry, attempt, &scope, effects.outbox)?;
        let metrics = self.decide_metrics(id, effects.metrics)?;
        let mut recording = recording(attempt, &trace);
        if metrics.dropped > 0 {
            recording.logs.push(dropped_line(metrics.dropped, self.shared.options.installation_metrics_max));
        }
        let state_writes = effects.state_writes.into_iter().collect();
        let exchanges = trace.exchanges;
        let committed = Committed {
            entry,
            next_head,
            recording,
            state_writes,
            emitted,
            repeated,
            timers_set,
            timers_cancelled,
            outbox,
            outbox_repeated,
            metrics: metrics.changed,
            exchanges,
        };
        Ok(Decided { committed, timers_before, replaced })
    }

    fn decide_outbox(
        &self,
        entry: &Entry,
        attempt: &Attempt,
        scope: &Scope,
        requests: Vec<OutboxRequest>,
    ) -> Result<DecidedOutbox, StoreError> {
        let (mut new, mut repeated, mut replaced) = (Vec::<LoggedRequest>::new(), Vec::new(), Vec::new());
        for request in requests {
            if new.iter().any(|other| other.request.key == request.key) {
                repeated.push(request.key);
                continue;
            }
            let mut sent = Sent::No;
            let key = keys::outbox_key(entry.installation, &request.key);
            if let Some(row) = self.shared.view.get(&key)? {
                let known = decode(&key, &row)?;
                match self.replaceable(entry.installation, known, attempt.finished_at)? {
                    Some(moved) => {
                        // The new request has the same idempotency key.
                        sent = moved.row.sent.ended(moved.row.sent != Sent::No);
                        replaced.push(moved);
                    }
                    None => {
                        repeated.push(request.key);
                        continue;
                    }
                }
            }
            let row = OutboxFacts {
                key: request.key.clone(),
                generation: attempt.generation,
                created_at: attempt.finished_at,
                cause: entry.position,
                scope: scope.clone(),
                attempts: 0,
                sent,
                state_undone: false,
                due: attempt.finished_at,
            };
            new.push(LoggedRequest { position: self.next_position(), request, row });
        }
        Ok(DecidedOutbox { new, repeated, replaced })
    }

    fn try_fail(&mut self, fail: &Fail) -> Result<Verdict, StoreError> {
        let Fail { attempt, snapshot, failure, then, trace, .. } = fail;
        let entry = match self.admit(attempt, snapshot, trace)? {
            Ok(entry) => entry,
            Err(verdict) => return Ok(verdict),
        };
        let paused = match then {
            FailureAction::Pause(pause) => {
                let Some(installation) = self.installation(attempt.installation) else { return Ok(Verdict::Fenced) };
                Some(Installation { paused: Some(pause.clone()), ..installation.as_ref().clone() })
            }
            FailureAction::Retry { .. } | FailureAction::DeadLetter => None,
        };
        let then = match then {
            FailureAction::Retry { due } => AfterFailure::Retry { due: *due, attempts: attempt.number },
            FailureAction::DeadLetter => AfterFailure::DeadLetter {
                letter: DeadLetterRow {
                    generation: attempt.generation,
                    attempts: attempt.number,
                    first_at: entry.enqueued_at,
                    at: attempt.finished_at,
                    failure: failure.clone(),
                },
                next_head: self.next_of(&entry)?,
            },
            FailureAction::Pause(_) => AfterFailure::Paused,
        };
        let next = match &then {
            AfterFailure::DeadLetter { next_head, .. } => *next_head,
            AfterFailure::Retry { .. } | AfterFailure::Paused => None,
        };
        let next = self.deliverable(&entry, next);
        let (recording, exchanges) = (recording(attempt, trace), trace.exchanges.clone());
        let failed = Failed { entry, recording, failure: failure.clone(), then, exchanges };
        let mut changes = vec![Change::DeliveryFailed(Box::new(failed))];
        if let Some(paused) = paused {
            let entry = self.entry(about_pause(&paused, attempt.finished_at));
            changes.extend([Change::InstallationPut(Box::new(paused)), entry]);
        }
        self.write(changes)?;
        Ok(Verdict::Done { next })
    }

    /// The next entry of a queue, unless it waits for a rollback: then it is found when it may be delivered.
    fn deliverable(&self, entry: &Entry, next: Option<Position>) -> Option<Ready> {
        let may_go = |position: &Position| *position <= self.shared.delivers_up_to(entry.installation);
        next.filter(may_go).map(|position| Ready { position, queue_key: entry.queue_key })
    }

    fn next_of(&self, entry: &Entry) -> Result<Option<Position>, StoreError> {
        if entry.queue_key.is_keyed() && !self.queue_counters.is_alone(entry.installation, entry.queue_key) {
            self.next_in_queue(entry.installation, entry.queue_key, Some(entry.position))
        } else {
            Ok(None)
        }
    }
}

/// The audit entry for a pause by the host, after a connector reported that it cannot work.
fn about_pause(paused: &Installation, at: Timestamp) -> NewAudit {
    let why = paused.paused.as_ref().map_or("", |pause| pause.message.as_str());
    let detail_json = serde_json::json!({ "message": why }).to_string();
    let (subject, scopes) = (paused.name.to_string(), vec![paused.scope.clone()]);
    NewAudit { at, by: Actor::host(), action: "pause", subject, detail_json, scopes }
}

fn recording(attempt: &Attempt, trace: &Trace) -> Recording {
    Recording {
        generation: attempt.generation,
        attempt: attempt.number,
        time: attempt.time,
        finished_at: attempt.finished_at,
        duration_us: trace.duration_us,
        input: attempt.input,
        logs: trace.logs.clone(),
    }
}
