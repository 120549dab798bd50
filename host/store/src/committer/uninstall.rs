//! Ends an installation. One frame ends it and takes its events, dead letters, requests and timers away, so that nothing
//! of it can run or be sent afterwards, whenever the process dies. The rows that nobody reads any more, its state above
//! all, follow in the same batch; if the process dies in between, the next start removes them.

use std::sync::Arc;

use serde_json::json;

use crate::changes::{Change, Entry, MovedRequest, StateBefore, Withdrawn, WithdrawnEntry};
use crate::keys::{self, QueueKey, table};
use crate::rows::{OutboxState, QueueRow, TimerRow, decode};
use crate::{NewAudit, Pending, StoreError, Uninstall, UninstallOutcome, Uninstalled, uninstall};
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, Position};

use super::Committer;

/// Rows of an installation that are of no use without it. Its generations stay, and so do its answered requests and
/// recordings, until retention drops them.
const USELESS: [u8; 8] = [
    table::STATE,
    table::UNDO,
    table::UNDO_SIZE,
    table::UNDO_SINCE,
    table::METRIC,
    table::TICK,
    table::REPEATED,
    table::OUTBOX_KEY,
];
/// Rows that one frame drops.
const DROPPED_MAX: usize = 20_000;

impl Committer {
    pub(super) fn uninstall(&mut self, ask: Uninstall) -> Result<UninstallOutcome, StoreError> {
        let installation =
            self.by_name(&ask.name).ok_or_else(|| StoreError::NoInstallation(ask.name.to_string()))?.as_ref().clone();
        let id = installation.id;
        if self.shared.marker(id).is_some_and(|marker| !marker.done.is_done()) {
            return Err(StoreError::RollbackUnderWay(ask.name));
        }
        // Events and requests of the current batch can only be read from disk.
        self.sync_now()?;
        let removed = self.shared.pending(id)?;
        let exported = match &ask.export {
            Some(folder) => Some(uninstall::files::write(&self.shared, &installation, folder)?),
            None => None,
        };
        let mut changes = self.pending_removed(id, &ask)?;
        changes.extend(self.shared.marker(id).map(|_| Change::RollbackForgotten { installation: id }));
        let entry = self.entry(about(&ask, &installation, &removed));
        let Uninstall { by, reason, at, .. } = ask;
        let uninstalled = Uninstalled { installation, at, by, reason };
        changes.extend([Change::Uninstalled(Box::new(uninstalled.clone())), entry]);
        self.write(changes)?;
        self.undos.remove(&id);
        self.metric_counts.remove(&id);
        self.drop_useless(id)?;
        Ok(UninstallOutcome { uninstalled: Arc::new(uninstalled), removed, exported })
    }

    /// Removes rows that a process which died left behind.
    pub(super) fn drop_leftovers(&mut self) -> Result<(), StoreError> {
        let ids: Vec<InstallationId> = self.shared.uninstalled.read().keys().copied().collect();
        let mut dropped = false;
        for id in ids {
            dropped |= self.drop_useless(id)?;
        }
        if dropped { self.sync_now() } else { Ok(()) }
    }

    /// The removal of events, dead letters, requests and timers.
    fn pending_removed(&self, id: InstallationId, ask: &Uninstall) -> Result<Vec<Change>, StoreError> {
        let (mut entries, mut letters, mut timers) = (Vec::new(), Vec::new(), Vec::new());
        self.shared.each_row(table::QUEUE, id, |key, row| {
            let QueueRow { enqueued_at, due, .. } = decode(key, row)?;
            if let (Some(queue_key), Some(position)) = (keys::number_at(key, 5), keys::last_number(key)) {
                let (queue_key, position) = (QueueKey::of_number(queue_key), Position(position));
                let entry = Entry { installation: id, position, queue_key, waited_for: due, enqueued_at };
                entries.push(WithdrawnEntry { entry, letter: None });
            }
            Ok(())
        })?;
        self.shared.each_row(table::DEAD_LETTER, id, |key, _| {
            letters.extend(keys::last_number(key).map(|position| (id, Position(position))));
            Ok(())
        })?;
        self.shared.each_row(table::TIMER, id, |key, row| {
            let row: TimerRow = decode(key, row)?;
            timers.push((String::from_utf8_lossy(key.get(5..).unwrap_or_default()).into_owned(), row.due));
            Ok(())
        })?;
        let requests = self.requests_discarded(id, ask)?;
        let (by, reason) = (ask.by.clone(), ask.reason.clone().unwrap_or_default());
        let changes = [
            (!entries.is_empty()).then(|| {
                let withdrawn = Withdrawn { entries, heads: Vec::new(), forgotten: Vec::new() };
                Change::EventsWithdrawn(Box::new(withdrawn))
            }),
            (!letters.is_empty()).then_some(Change::DeadLettersDiscarded { letters, by, reason }),
            (!requests.is_empty()).then_some(Change::RequestsMoved(requests)),
            (!timers.is_empty()).then_some(Change::TimersRestored {
                installation: id,
                set: Vec::new(),
                removed: timers,
            }),
        ];
        Ok(changes.into_iter().flatten().collect())
    }

    fn requests_discarded(&self, id: InstallationId, ask: &Uninstall) -> Result<Vec<MovedRequest>, StoreError> {
        let mut moved = Vec::new();
        for position in self.shared.open_requests(id)? {
            let Some(mut row) = self.request(id, position)? else { continue };
            let before = match row.state {
                OutboxState::Pending { due, .. } => StateBefore::Pending { due },
                OutboxState::Held { .. } => StateBefore::Held,
                _ => continue,
            };
            row.state = OutboxState::Discarded { at: ask.at, by: Some(ask.by.clone()) };
            moved.push(MovedRequest { installation: id, position, before, row });
        }
        Ok(moved)
    }

    /// Returns whether there was anything.
    fn drop_useless(&mut self, id: InstallationId) -> Result<bool, StoreError> {
        let mut dropped = false;
        for table in USELESS {
            let prefix = keys::prefix(table, Some(id));
            let mut after = None;
            loop {
                let rows = self.shared.view.scan(&prefix, after.as_deref(), DROPPED_MAX)?;
                let is_last = rows.len() < DROPPED_MAX;
                let found: Vec<Vec<u8>> = rows.into_iter().map(|(key, _)| key.into_vec()).collect();
                after = found.last().cloned();
                if !found.is_empty() {
                    dropped = true;
                    self.write(vec![Change::RowsDropped { installation: id, keys: found }])?;
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(dropped)
    }
}

fn about(ask: &Uninstall, installation: &Installation, removed: &Pending) -> NewAudit {
    let content = &installation.active.content;
    let detail = json!({
        "generation": installation.active.generation.0,
        "package": content.package,
        "version": content.version.to_string(),
        "digest": content.digest,
        "reason": ask.reason,
        "export": ask.export.as_ref().map(|folder| folder.display().to_string()),
        "removed": {
            "events": removed.events,
            "deadLetters": removed.dead_letters,
            "requests": removed.requests,
            "held": removed.held,
            "perhapsSent": removed.perhaps_sent,
            "timers": removed.timers,
            "stateKeys": removed.state_keys,
        },
    });
    let (subject, scopes) = (installation.name.to_string(), vec![installation.scope.clone()]);
    let (at, by) = (ask.at, ask.by.clone());
    NewAudit { at, by, action: "uninstall", subject, detail_json: detail.to_string(), scopes }
}
