//! Turns timers into events: those that are due, or one that a person fires. Reads no clock.

use serde_json::json;

use crate::StoreError;
use crate::audit::NewAudit;
use crate::changes::{CauseRef, Change};
use crate::keys;
use crate::keys::table;
use crate::routing::{Address, To};
use crate::rows::{TimerRow, decode};
use handoff_model::actor::Actor;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::Batch;

/// Timers that one request fires, so that many due timers do not delay commits.
const FIRED_MAX: usize = 200;
/// Data of the events that one request creates: they go into one frame of the journal, whose size is limited.
const FIRED_BYTES_MAX: usize = 16 << 20;

impl Committer {
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let held = self.with_timers_held();
        let mut batch = Batch::default();
        let (mut timers, mut events, mut next) = (Vec::new(), Vec::new(), None);
        let (mut bytes, mut after) = (0_usize, None);
        'rows: loop {
            let due_rows = self.shared.view.scan(&[table::TIMER_DUE], after.as_deref(), FIRED_MAX)?;
            let is_last = due_rows.len() < FIRED_MAX;
            after = due_rows.last().map(|(key, _)| key.clone());
            for (key, timer_key) in due_rows {
                let (Some(due), Some(id)) = (keys::number_at(&key, 1), keys::installation_at(&key, 9)) else {
                    continue;
                };
                let due = Timestamp(due);
                if due > now {
                    next = Some(due);
                    break 'rows;
                }
                // When the rollback ends, it wakes the task that fires timers.
                if held.contains(&id) {
                    continue;
                }
                if bytes >= FIRED_BYTES_MAX || timers.len() >= FIRED_MAX {
                    // More timers are due than fit: the caller asks again at once.
                    next = Some(now);
                    break 'rows;
                }
                let timer_key = String::from_utf8_lossy(&timer_key).into_owned();
                if let Some(row) = self.timer(id, &timer_key)? {
                    bytes = bytes.saturating_add(row.event.data.len());
                    let cause = CauseRef { installation: id, position: row.set_by };
                    let address = Address { scope: row.scope, to: To::One(id) };
                    if let Ok(event) = self.log(&mut batch, row.event, &address, now, Some(cause))? {
                        events.push(event);
                    }
                }
                timers.push((id, timer_key, due));
            }
            if is_last {
                break;
            }
        }
        if !timers.is_empty() {
            self.write(vec![Change::TimersFired { timers, events }])?;
        }
        Ok(next)
    }

    /// Fires a timer before it is due. Returns the position of its event.
    pub(super) fn fire_timer(
        &mut self,
        id: InstallationId,
        timer_key: &str,
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<Position, StoreError> {
        let installation = self.installation(id).ok_or_else(|| StoreError::NoInstallation(id.0.to_string()))?;
        if self.with_timers_held().contains(&id) {
            return Err(StoreError::RollbackUnderWay(installation.name.clone()));
        }
        let missing = || StoreError::NoTimer { installation: installation.name.clone(), key: timer_key.to_owned() };
        let row = self.timer(id, timer_key)?.ok_or_else(missing)?;
        let cause = CauseRef { installation: id, position: row.set_by };
        let address = Address { scope: row.scope.clone(), to: To::One(id) };
        let logged = self.log(&mut Batch::default(), row.event, &address, at, Some(cause))?;
        let (position, events) = match logged {
            Ok(event) => (event.position, vec![event]),
            // The log has this event already.
            Err(repeat) => (repeat.position, Vec::new()),
        };
        let detail = json!({ "key": timer_key, "due": row.due.to_string(), "position": position.0, "reason": reason });
        let audit = NewAudit {
            at,
            by: by.clone(),
            action: "fire-timer",
            subject: installation.name.to_string(),
            detail_json: detail.to_string(),
            scopes: vec![installation.scope.clone()],
        };
        let entry = self.entry(audit);
        let timers = vec![(id, timer_key.to_owned(), row.due)];
        self.write(vec![Change::TimersFired { timers, events }, entry])?;
        Ok(position)
    }

    pub(super) fn timer(&self, id: InstallationId, timer: &str) -> Result<Option<TimerRow>, StoreError> {
        let key = keys::timer(id, timer);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
