//! Timers that are set, for people. Changes nothing.

use crate::keys::{self, table};
use crate::rows::{TimerRow, decode};
use crate::{Store, StoreError};
use handoff_model::event::Event;
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// Rows read at once.
const CHUNK: usize = 500;

/// A timer that is set.
#[derive(Clone, Debug)]
pub struct StoredTimer {
    /// The installation that set it.
    pub installation: InstallationId,
    /// Its key.
    pub key: String,
    /// When it is due.
    pub due: Timestamp,
    /// The event that it delivers.
    pub event: Event,
    /// The event whose delivery set it.
    pub set_by: Position,
    /// The scope of that delivery.
    pub scope: Scope,
}

impl Store {
    /// Timers of one or all installations in the order in which they are due, at most `limit`.
    pub fn timers(&self, of: Option<InstallationId>, limit: usize) -> Result<Vec<StoredTimer>, StoreError> {
        let (mut timers, mut after) = (Vec::new(), None);
        loop {
            let rows = self.shared.view.scan(&[table::TIMER_DUE], after.as_deref(), CHUNK)?;
            for (key, timer_key) in &rows {
                let Some(installation) = keys::installation_at(key, 9).filter(|id| of.is_none_or(|of| of == *id))
                else {
                    continue;
                };
                let timer_key = String::from_utf8_lossy(timer_key).into_owned();
                let key = keys::timer(installation, &timer_key);
                let Some(row) = self.shared.view.get(&key)? else { continue };
                let TimerRow { due, event, set_by, scope } = decode(&key, &row)?;
                timers.push(StoredTimer { installation, key: timer_key, due, event, set_by, scope });
                if timers.len() >= limit {
                    return Ok(timers);
                }
            }
            match rows.into_iter().nth(CHUNK - 1) {
                Some((last, _)) => after = Some(last),
                None => return Ok(timers),
            }
        }
    }
}
