//! The current state, for people: each delivery of an event, the redriven event or the answer that followed, and the
//! store as a whole. Changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::changes::{Change, Frame, LoggedEvent};
use crate::journal::Location;
use crate::keys::{self, table};
use crate::rows::{HeadRow, QueueRow, decode};
use crate::{Shared, Store, StoreError};
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// The state of the delivery of an event to one installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteState {
    /// The installation.
    pub installation: InstallationId,
    /// The state of the delivery.
    pub standing: Standing,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits, and has not failed yet.
    Waiting,
    /// It failed and waits for a retry.
    Retrying {
        /// The earliest time of the retry.
        due: Option<Timestamp>,
    },
    /// It took effect.
    Committed,
    /// It failed for good.
    DeadLetter,
    /// It failed for good and was redriven.
    Redriven {
        /// The position of the new event.
        position: Position,
    },
    /// It failed for good and was discarded.
    Discarded,
    /// Its installation was uninstalled before it took effect.
    Uninstalled,
}

impl Store {
    /// The state of each delivery of an event. Empty if it had no recipients, or if the event is no longer stored.
    pub fn standings(&self, position: Position) -> Result<Vec<RouteState>, StoreError> {
        let Some(logged) = self.shared.logged_event(position)? else { return Ok(Vec::new()) };
        let routes = logged.routes.iter();
        routes
            .map(|route| {
                let standing = self.shared.standing(&logged, route.installation, route.queue_key)?;
                Ok(RouteState { installation: route.installation, standing })
            })
            .collect()
    }

    /// The position of a scope's event with this source and id, while it is stored.
    pub fn position_of(&self, scope: &Scope, source: &str, id: &str) -> Result<Option<Position>, StoreError> {
        let key = keys::dedupe(&keys::identity(scope, source, id));
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    /// The event of a request's answer, if the connector asked for it and it is still stored.
    pub fn answer_of(&self, id: InstallationId, request: Position) -> Result<Option<Position>, StoreError> {
        let frame = self.shared.settled(request, id)?.flatten();
        Ok(frame.iter().flat_map(|frame| &frame.changes).find_map(|change| match change {
            Change::SendFinished(finished) => finished.answer.as_ref().map(|event| event.position),
            _ => None,
        }))
    }

    /// The newest position that was assigned to an event or a request; 0 before the first.
    #[must_use]
    pub fn last_position(&self) -> Position {
        Position(self.shared.next_position.load(Ordering::Relaxed).saturating_sub(1))
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.options.dir
    }

    /// Number and total size of the journal's segments in bytes. Lists one folder.
    pub fn journal_size(&self) -> Result<(u64, u64), StoreError> {
        let segments = self.shared.journal.segments()?;
        let bytes = segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.bytes));
        Ok((u64::try_from(segments.len()).unwrap_or(u64::MAX), bytes))
    }

    /// When the oldest waiting event of an installation was enqueued; none if nothing waits. Reads the first event that
    /// is ready and at most `retries` of those that wait for a retry, those due first, so that its cost is bounded: with
    /// more of them the result may be too young.
    pub fn oldest_waiting(&self, id: InstallationId, retries: usize) -> Result<Option<Timestamp>, StoreError> {
        let view = &self.shared.view;
        let mut waiting = Vec::with_capacity(retries.saturating_add(1).min(1_024));
        for (key, row) in &view.scan(&keys::prefix(table::HEAD, Some(id)), None, 1)? {
            waiting.push(super::ready(key, HeadRow::decode(key, row)?.queue_key));
        }
        for (key, row) in &view.scan(&keys::prefix(table::WAITING, Some(id)), None, retries)? {
            waiting.push(super::ready(key, decode(key, row)?));
        }
        let Some(oldest) = waiting.into_iter().min_by_key(|entry| entry.position) else { return Ok(None) };
        Ok(self.shared.queued(id, oldest)?.map(|row| row.enqueued_at))
    }

    /// The size of all files in the data folder in bytes. Walks the folder: for people, not for hot paths.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        bytes_below(self.folder(), 3)
    }
}

impl Shared {
    /// An entry leaves its queue only by a commit, as a dead letter, or with its installation.
    fn standing(
        &self,
        logged: &LoggedEvent,
        id: InstallationId,
        queue_key: keys::QueueKey,
    ) -> Result<Standing, StoreError> {
        let key = keys::queue(id, queue_key, logged.position);
        if let Some(row) = self.view.get(&key)? {
            let row: QueueRow = decode(&key, &row)?;
            return Ok(if row.attempts == 0 { Standing::Waiting } else { Standing::Retrying { due: row.due } });
        }
        if self.view.get(&keys::dead_letter(id, logged.position))?.is_some() {
            return Ok(Standing::DeadLetter);
        }
        let Some(settled) = self.settled(logged.position, id)? else { return Ok(Standing::Committed) };
        // None if it was discarded, or if the record no longer exists.
        let again = settled.iter().flat_map(|frame| &frame.changes).find_map(|change| match change {
            Change::DeadLettersRedriven { letters, events, .. } => {
                let index = letters.iter().position(|letter| *letter == (id, logged.position));
                index.and_then(|index| events.get(index)).map(|event| event.position)
            }
            _ => None,
        });
        let is_uninstall = |change: &Change| match change {
            Change::Uninstalled(uninstalled) => uninstalled.installation.id == id,
            _ => false,
        };
        let has_ended = settled.iter().flat_map(|frame| &frame.changes).any(is_uninstall);
        Ok(match again {
            Some(position) => Standing::Redriven { position },
            None if has_ended => Standing::Uninstalled,
            None => Standing::Discarded,
        })
    }

    /// Whether a dead letter was settled or a request answered, with the record while it exists.
    fn settled(&self, position: Position, id: InstallationId) -> Result<Option<Option<Arc<Frame>>>, StoreError> {
        let key = keys::recording(position, id, keys::SETTLED);
        let Some(row) = self.view.get(&key)? else { return Ok(None) };
        let at: Location = decode(&key, &row)?;
        // The record is dropped with its segment.
        Ok(Some(self.frame(at).ok()))
    }
}

/// A file that is deleted during the walk counts as empty.
fn bytes_below(folder: &Path, depth: u32) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(facts) if facts.is_dir() && depth > 0 => bytes_below(&entry.path(), depth - 1),
        Ok(facts) if facts.is_file() => facts.len(),
        _ => 0,
    });
    sizes.fold(0, u64::saturating_add)
}
