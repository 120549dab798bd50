//! Checks whether a delivery's effects fit into its subscribers' queues and its installation's timers and outbox.
//!
//! The check runs before the commit and outside the committer, so that it delays no other request. Deliveries that end
//! at the same moment may exceed a limit by the effects of one of them. Changes nothing.

use std::collections::BTreeMap;

use handoff_model::effects::Effects;
use handoff_model::names::{InstallationId, InstallationName};
use handoff_model::scope::Scope;

use super::routing::{Address, To};
use super::{Store, StoreError, keys};

/// The limit that a delivery exceeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapacityExceeded {
    /// The delivery emits an event to an installation whose queue is full.
    #[error(
        "the queue of `{installation}` holds {waiting} events and this delivery emits or schedules {more} for it; at most \
         {most} may wait (`limits.engine.installation-queue-entries-max`)"
    )]
    Queue {
        /// The installation with the full queue.
        installation: InstallationName,
        /// How many events wait in the queue.
        waiting: u64,
        /// How many this delivery adds.
        more: u64,
        /// How many events may wait.
        most: u64,
    },
    /// The installation has set too many timers.
    #[error(
        "the installation has {set} timers and this delivery sets {more} more; at most {most} may be set at a time \
         (`limits.engine.installation-timers-max`): set one timer that goes through many things"
    )]
    Timers {
        /// How many timers are set.
        set: u64,
        /// How many new ones this delivery sets.
        more: u64,
        /// How many timers may be set.
        most: u64,
    },
    /// Too many outbox requests of the installation have no answer yet.
    #[error(
        "{pending} outbox requests of the installation are not answered and this delivery sends {more} more; at most {most} \
         may wait (`limits.engine.installation-outbox-pending-max`): is the target down, or is more sent than it takes?"
    )]
    Outbox {
        /// How many requests wait for an answer.
        pending: u64,
        /// How many this delivery adds.
        more: u64,
        /// How many requests may wait.
        most: u64,
    },
}

impl Store {
    /// The limit that the effects of a delivery in a scope exceed, if any. Cheap while all counts are far below their
    /// limits.
    pub fn exceeded_capacity(
        &self,
        id: InstallationId,
        scope: &Scope,
        effects: &Effects,
    ) -> Result<Option<CapacityExceeded>, StoreError> {
        if let Some(full) = self.full_queue(id, scope, effects) {
            return Ok(Some(full));
        }
        let (options, counts) = (&self.shared.options, self.shared.counts.read().of(id));
        if counts.timers.saturating_add(number(effects.timers_set.len())) > options.installation_timers_max {
            let (mut more, mut fewer) = (0_u64, 0_u64);
            for key in effects.timers_set.keys() {
                more += u64::from(self.shared.view.get(&keys::timer(id, key))?.is_none());
            }
            for key in &effects.timers_cancelled {
                fewer += u64::from(self.shared.view.get(&keys::timer(id, key))?.is_some());
            }
            let (set, most) = (counts.timers, options.installation_timers_max);
            if more > 0 && set.saturating_add(more).saturating_sub(fewer) > most {
                return Ok(Some(CapacityExceeded::Timers { set, more, most }));
            }
        }
        if counts.outbox_pending.saturating_add(number(effects.outbox.len())) > options.installation_outbox_pending_max
        {
            let mut more = 0_u64;
            for request in &effects.outbox {
                more += u64::from(self.shared.view.get(&keys::outbox_key(id, &request.key))?.is_none());
            }
            let (pending, most) = (counts.outbox_pending, options.installation_outbox_pending_max);
            if more > 0 && pending.saturating_add(more) > most {
                return Ok(Some(CapacityExceeded::Outbox { pending, more, most }));
            }
        }
        Ok(None)
    }

    /// The first recipient whose queue has no room for the emitted events. Or the installation itself, if it sets
    /// timers while its queue is full: the timers would become events that do not fit.
    fn full_queue(&self, id: InstallationId, scope: &Scope, effects: &Effects) -> Option<CapacityExceeded> {
        let most = self.shared.options.installation_queue_entries_max;
        let emitted = number(effects.emitted.len());
        let all_waiting = self.shared.counts.read().waiting();
        // While all queues together have fewer entries than one queue may have, no queue is full.
        if all_waiting.saturating_add(emitted) <= most {
            return None;
        }
        let mut by_type = BTreeMap::<&str, u64>::new();
        for event in &effects.emitted {
            *by_type.entry(event.type_name.as_str()).or_default() += 1;
        }
        let routing = self.shared.routing.read().clone();
        let address = Address { scope: scope.clone(), to: To::Subscribers { emitter: Some(id) } };
        let mut incoming_by_queue = BTreeMap::from([(id, 0_u64)]);
        for (type_name, count) in by_type {
            for to in routing.recipients(&address, type_name) {
                *incoming_by_queue.entry(to).or_default() += count;
            }
        }
        for (to, incoming) in incoming_by_queue {
            let timers = if to == id { number(effects.timers_set.len()) } else { 0 };
            let waiting = self.shared.counts.read().of(to).waiting;
            // This commit removes the delivered entry from its queue.
            let leaving = u64::from(to == id);
            let is_full = incoming > 0 && waiting.saturating_add(incoming).saturating_sub(leaving) > most;
            if is_full || (timers > 0 && waiting > most) {
                let installation = self.installation_by_id(to)?.name.clone();
                return Some(CapacityExceeded::Queue { installation, waiting, more: incoming.max(timers), most });
            }
        }
        None
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
