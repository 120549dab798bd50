//! Uninstalling: an installation ends, with its state, timers, waiting events and unsent requests. Its generations, the
//! log, and the audit chain stay readable. The number of an installation is never used again, so a later installation of
//! the same name starts without state.
//!
//! Defines what is asked and answered; the committer decides (`committer/uninstall.rs`), `files` writes what is exported.

pub(super) mod files;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::committer::Request;
use super::keys::{self, table};
use super::rows::OutboxState;
use super::{OutboxEntry, Shared, Store, StoreError};
use handoff_model::actor::Actor;
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, InstallationName, Position};
use handoff_model::time::Timestamp;

/// Requests that may have been sent and are listed one by one.
const LISTED_MAX: usize = 100;
/// Rows read at once.
const PAGE: usize = 1_000;

/// A request to uninstall.
#[derive(Clone, Debug)]
pub struct Uninstall {
    /// The installation.
    pub name: InstallationName,
    /// Who uninstalls it.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// A folder that does not exist yet: state and pending work are written there before anything is removed.
    pub export: Option<PathBuf>,
}

/// An installation that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uninstalled {
    /// The installation as it was last.
    pub installation: Installation,
    /// When it ended.
    pub at: Timestamp,
    /// Who uninstalled it.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
}

/// The state and the pending work of an installation.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// Events in its queues.
    pub events: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Requests to be sent.
    pub requests: u64,
    /// Requests that a rollback holds.
    pub held: u64,
    /// Timers.
    pub timers: u64,
    /// State keys.
    pub state_keys: u64,
    /// Requests without an answer that may have reached their target.
    pub perhaps_sent: u64,
    /// The first of those.
    pub first_perhaps_sent: Vec<OutboxEntry>,
}

/// The files of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The folder.
    pub folder: PathBuf,
    /// Names and line counts.
    pub files: Vec<(&'static str, u64)>,
    /// The size of all files in bytes.
    pub bytes: u64,
}

/// The result of uninstalling.
#[derive(Clone, Debug)]
pub struct UninstallOutcome {
    /// The installation that has ended.
    pub uninstalled: Arc<Uninstalled>,
    /// What it left behind, and was removed.
    pub removed: Pending,
    /// What was exported.
    pub exported: Option<Exported>,
}

impl Store {
    /// Ends an installation. On return it receives nothing any more, and its state and pending work are removed,
    /// durably.
    pub async fn uninstall(&self, ask: Uninstall) -> Result<UninstallOutcome, StoreError> {
        self.ask(|reply| Request::Uninstall { ask: Box::new(ask), reply }).await
    }

    /// Installations that have ended, by number.
    #[must_use]
    pub fn uninstalled(&self) -> Vec<Arc<Uninstalled>> {
        self.shared.uninstalled.read().values().cloned().collect()
    }

    /// The state and the pending work of an installation. Reads all of its state keys.
    pub fn pending(&self, id: InstallationId) -> Result<Pending, StoreError> {
        self.shared.pending(id)
    }
}

impl Shared {
    pub(super) fn pending(&self, id: InstallationId) -> Result<Pending, StoreError> {
        let counts = self.counts.read().of(id);
        let mut state_keys = 0_u64;
        self.each_row(table::STATE, id, |_, _| {
            state_keys += 1;
            Ok(())
        })?;
        let mut pending = Pending {
            events: counts.waiting,
            dead_letters: counts.dead_letters,
            requests: counts.outbox_pending,
            held: counts.outbox_held,
            timers: counts.timers,
            state_keys,
            ..Pending::default()
        };
        for position in self.open_requests(id)? {
            let Some(entry) = self.outbox_entry_at(id, position)? else { continue };
            if entry.may_have_been_sent {
                pending.perhaps_sent += 1;
                if pending.first_perhaps_sent.len() < LISTED_MAX {
                    pending.first_perhaps_sent.push(entry);
                }
            }
        }
        Ok(pending)
    }

    /// Requests without an answer: those to be sent, and those that are held.
    pub(super) fn open_requests(&self, id: InstallationId) -> Result<Vec<Position>, StoreError> {
        let mut open = Vec::new();
        let mut after = None;
        loop {
            let rows = self.view.scan(&[table::OUTBOX_DUE], after.as_deref(), PAGE)?;
            let owned = rows.iter().filter(|(key, _)| keys::installation_at(key, 9) == Some(id));
            open.extend(owned.filter_map(|(key, _)| keys::last_number(key)).map(Position));
            match rows.into_iter().nth(PAGE - 1) {
                Some((last, _)) => after = Some(last),
                None => break,
            }
        }
        self.each_row(table::HELD, id, |key, _| {
            open.extend(keys::last_number(key).map(Position));
            Ok(())
        })?;
        open.sort_unstable();
        Ok(open)
    }

    /// Calls `visit` with every row of a table that belongs to an installation.
    pub(super) fn each_row(
        &self,
        table: u8,
        id: InstallationId,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prefix = keys::prefix(table, Some(id));
        let mut after = None;
        loop {
            let rows = self.view.scan(&prefix, after.as_deref(), PAGE)?;
            for (key, row) in &rows {
                visit(key, row)?;
            }
            match rows.into_iter().nth(PAGE - 1) {
                Some((last, _)) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}

impl OutboxEntry {
    /// Whether it has no answer yet and was not given up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, OutboxState::Pending { .. } | OutboxState::Held { .. })
    }
}
