//! Lists timers that are set.

use crate::error::AppError;
use crate::page::{Names, PAGE, find_id, page_size};
use crate::shard::Shard;
use handoff_control::timers::{TimerList, TimerQuery, TimerView};

impl Shard {
    /// Lists timers in the order in which they are due.
    pub fn list_timers(&self, query: &TimerQuery) -> Result<TimerList, AppError> {
        let installation = find_id(&self.store, query.installation.as_ref())?;
        let names = Names::of(&self.store);
        let timers = self.store.timers(installation, page_size(query.limit, PAGE))?;
        let view = |timer: handoff_store::StoredTimer| {
            Some(TimerView {
                installation: names.get(timer.installation)?,
                key: timer.key,
                due: timer.due.into(),
                scope: timer.scope,
                type_name: timer.event.type_name,
                subject: timer.event.subject,
                set_by: timer.set_by,
            })
        };
        Ok(TimerList { timers: timers.into_iter().filter_map(view).collect() })
    }
}
