//! Withdraws events that rolled-back generations emitted and that nobody has handled yet. With a replay they are removed,
//! because the restored version emits its own. Otherwise they become dead letters of their recipients: a person decides.
//!
//! An event that some recipient has handled stays as it is, and so does one whose emitter accepts it itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::changes::{Change, Entry, LoggedEvent, Withdrawn, WithdrawnEntry};
use crate::keys;
use crate::keys::{QueueKey, table};
use crate::rollback_job::{Cursor, Marker};
use crate::rows::{DeadLetterRow, QueueRow};
use crate::{StoreError, WITHDRAWN};
use handoff_model::event::host_types;
use handoff_model::failure::Failure;
use handoff_model::installation::Installation;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// Queue entries read in one step.
const LOOKED_AT_MAX: usize = 500;

/// A queue entry.
type Place = (InstallationId, QueueKey, Position);

impl Committer {
    /// Runs one step. Moves the marker, and advances it at the end.
    pub(super) fn withdraw(&mut self, marker: Marker, at: Timestamp) -> Result<(), StoreError> {
        let (next, withdrawn) = self.withdrawn(marker, at)?;
        self.write(withdrawn.into_iter().chain([Change::RollbackMoved(Box::new(next))]).collect()).map(drop)
    }

    /// The marker after the next step, and what the step withdraws.
    pub(super) fn withdrawn(&self, marker: Marker, at: Timestamp) -> Result<(Marker, Option<Change>), StoreError> {
        let mut next = marker;
        let recipients = self.recipients_of(&next)?;
        let (from, after) = match &next.cursor {
            Cursor::Key(key) => (keys::installation_at(key, 1), Some(key.clone())),
            _ => (None, None),
        };
        let is_ahead = |recipient: &&InstallationId| from.is_none_or(|from| **recipient >= from);
        let mut ahead = recipients.iter().filter(is_ahead);
        let Some(recipient) = ahead.next().copied() else {
            next.advance();
            return Ok((next, None));
        };
        let after = after.filter(|_| from == Some(recipient));
        let prefix = keys::prefix(table::QUEUE, Some(recipient));
        let rows = self.shared.view.scan(&prefix, after.as_deref(), LOOKED_AT_MAX)?;
        let emitted = self.positions_of(&next)?;
        let mut found = Withdrawn { entries: Vec::new(), heads: Vec::new(), forgotten: Vec::new() };
        let mut removed = BTreeSet::new();
        for (key, _) in &rows {
            let Some(position) = keys::last_number(key).map(Position).filter(|at| emitted.contains(at)) else {
                continue;
            };
            let Some(logged) = self.shared.logged_event(position)? else { continue };
            if is_emitted_by(&logged, next.installation) {
                self.withdraw_event(&logged, recipient, &next, at, (&mut found, &mut removed))?;
            }
        }
        self.new_heads(&removed, &mut found)?;
        next.done.events_withdrawn += u64::try_from(found.entries.len()).unwrap_or(0);
        match (rows.into_iter().nth(LOOKED_AT_MAX - 1), ahead.next()) {
            (Some((last, _)), _) => next.cursor = Cursor::Key(last.into_vec()),
            (None, Some(following)) => {
                next.cursor = Cursor::Key(keys::prefix(table::QUEUE, Some(*following)).into_vec())
            }
            (None, None) => next.advance(),
        }
        let change = (!found.entries.is_empty()).then(|| Change::EventsWithdrawn(Box::new(found)));
        Ok((next, change))
    }

    /// Other installations that accept what the rolled-back generations emit, and have waiting entries.
    fn recipients_of(&self, marker: &Marker) -> Result<Vec<InstallationId>, StoreError> {
        let (id, (first, last)) = (marker.installation, marker.done.left);
        let mut emitted = BTreeSet::new();
        for generation in (first.0..=last.0).map(Generation) {
            emitted.extend(
                self.generation(id, generation)?.map(|record| record.content.grants.emits).into_iter().flatten(),
            );
        }
        let installations = self.shared.installations.read();
        let counts = self.shared.counts.read();
        let markers = self.shared.markers.read();
        let is_recipient = |other: &&Arc<Installation>| {
            let accepts = &other.active.content.grants.accepts;
            other.id != id
                && counts.of(other.id).waiting > 0
                && !accepts.is_disjoint(&emitted)
                // Its own rollback is moving its entries.
                && markers.get(&other.id).is_none_or(|marker| marker.done.is_done())
        };
        Ok(installations.values().filter(is_recipient).map(|other| other.id).collect())
    }

    /// The positions that the log assigned while the rolled-back generations were active.
    fn positions_of(&self, marker: &Marker) -> Result<std::ops::Range<Position>, StoreError> {
        let starts = |generation| {
            let details = self.shared.details(marker.installation, generation)?;
            Ok::<_, StoreError>(details.map(|row| row.details.starts_at))
        };
        // In the frame of the swap itself, the new generation has none yet.
        let (end, next) = (starts(marker.generation)?, self.shared.next_position.load(Ordering::Relaxed));
        Ok(starts(marker.done.left.0)?.unwrap_or(Position(0))..end.unwrap_or(Position(next)))
    }

    /// Adds an event, as far as it may be withdrawn.
    fn withdraw_event(
        &self,
        logged: &LoggedEvent,
        recipient: InstallationId,
        marker: &Marker,
        at: Timestamp,
        (found, removed): (&mut Withdrawn, &mut BTreeSet<Place>),
    ) -> Result<(), StoreError> {
        let (mut waiting, mut is_whole) = (Vec::new(), true);
        for route in &logged.routes {
            let place = (route.installation, route.queue_key, logged.position);
            if removed.contains(&place) {
                return Ok(());
            }
            let is_moving = self.shared.marker(route.installation).is_some_and(|marker| !marker.done.is_done());
            match self.shared.queue_row(route.installation, route.queue_key, logged.position)? {
                Some(row) if !is_moving => waiting.push((place, row)),
                _ => is_whole = false,
            }
        }
        if marker.replay && !is_whole {
            return Ok(());
        }
        for (place, row) in waiting.into_iter().filter(|(place, _)| marker.replay || place.0 == recipient) {
            let letter = (!marker.replay).then(|| self.withdrawn_letter(marker, place.0, &row, at));
            let (installation, queue_key, position) = place;
            let QueueRow { enqueued_at, due, .. } = row;
            let entry = Entry { installation, position, queue_key, waited_for: due, enqueued_at };
            found.entries.push(WithdrawnEntry { entry, letter });
            removed.insert(place);
        }
        // Emitted again, it is a new event.
        found.forgotten.extend(logged.dedupe.filter(|_| marker.replay));
        Ok(())
    }

    fn withdrawn_letter(
        &self,
        marker: &Marker,
        recipient: InstallationId,
        row: &QueueRow,
        at: Timestamp,
    ) -> DeadLetterRow {
        let active = |id| self.installation(id).map(|installation| installation.active.generation);
        let name = self.installation(marker.installation).map(|emitter| emitter.name.to_string()).unwrap_or_default();
        let message = format!(
            "`{name}` was rolled back after generation {} of it emitted this event: redrive it if it is right, or discard it",
            marker.done.left.1,
        );
        DeadLetterRow {
            generation: active(recipient).unwrap_or_default(),
            attempts: row.attempts,
            first_at: row.enqueued_at,
            at,
            failure: Failure::reject(WITHDRAWN, message),
        }
    }

    /// The first entry that stays in each queue whose first entry goes.
    pub(super) fn new_heads(&self, removed: &BTreeSet<Place>, found: &mut Withdrawn) -> Result<(), StoreError> {
        let queues: BTreeSet<_> = removed.iter().map(|(id, queue_key, _)| (*id, *queue_key)).collect();
        for (id, queue_key) in queues.into_iter().filter(|(_, queue_key)| queue_key.is_keyed()) {
            let mut first = self.next_in_queue(id, queue_key, None)?;
            if first.is_none_or(|first| !removed.contains(&(id, queue_key, first))) {
                continue;
            }
            while let Some(position) = first.filter(|position| removed.contains(&(id, queue_key, *position))) {
                first = self.next_in_queue(id, queue_key, Some(position))?;
            }
            found.heads.extend(first.map(|position| (id, queue_key, position)));
        }
        Ok(())
    }
}

/// Whether an installation's connector emitted an event. Answers to its requests have a cause, too, and redriven events
/// were judged by a person.
fn is_emitted_by(logged: &LoggedEvent, id: InstallationId) -> bool {
    logged.cause.is_some_and(|cause| cause.installation == id)
        && logged.event.type_name != host_types::OUTBOX_ANSWERED
        && logged.redrive_of.is_none()
}
