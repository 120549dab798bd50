//! Appends events to the log: drops duplicates and routes each event into the queues of its subscribers. Delivers
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::bodies;
use crate::bodies::PreparedEvent;
use crate::changes::{CauseRef, Change, LoggedEvent, Route, Tick};
use crate::keys;
use crate::keys::{QueueKey, table};
use crate::routing::{Address, To};
use crate::rows::decode;
use crate::{Appended, NewAudit, Recipients, ScheduleTick, StoreError};
use handoff_model::event::Event;
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::Committer;

/// What the events of one change need to know about each other before the change is applied.
#[derive(Default)]
pub(super) struct Batch {
    seen: BTreeMap<[u8; 16], Position>,
    queue_keys: BTreeSet<(InstallationId, QueueKey)>,
    /// A queue whose only entry is removed by the same frame.
    pub(super) emptied: Option<(InstallationId, QueueKey)>,
}

/// An event with the scope, source and id of an event that is already in the log.
pub(super) struct Repeat {
    /// The position of the logged event.
    pub(super) position: Position,
    pub(super) event: Event,
}

impl Committer {
    pub(super) fn append(
        &mut self,
        events: Vec<PreparedEvent>,
        received_at: Timestamp,
        tick: Option<ScheduleTick>,
        audit: Option<Box<NewAudit>>,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut addresses = Vec::with_capacity(events.len());
        for prepared in &events {
            let address = self.address(&prepared.new.to)?;
            self.check_room(&prepared.new.event, &address)?;
            addresses.push(address);
            if let Some(digest) = &prepared.blob {
                bodies::check(self.shared.journal.as_ref(), digest)?;
            }
        }
        let mut batch = Batch::default();
        let mut appended = Vec::with_capacity(events.len());
        let mut logged = Vec::with_capacity(events.len());
        for (PreparedEvent { new, blob }, address) in events.into_iter().zip(&addresses) {
            match self.log(&mut batch, new.event, address, received_at, None)? {
                Ok(mut event) => {
                    event.blob = blob;
                    let routes = u32::try_from(event.routes.len()).unwrap_or(u32::MAX);
                    appended.push(Appended::Accepted { position: event.position, routes });
                    logged.push(event);
                }
                Err(Repeat { position, .. }) => appended.push(Appended::Duplicate { position }),
            }
        }
        let tick = tick.map(|tick| Tick { installation: tick.installation, schedule: tick.schedule, at: tick.at });
        let mut changes = Vec::with_capacity(2);
        if !logged.is_empty() || tick.is_some() {
            changes.push(Change::EventsAppended { events: logged, tick });
        }
        changes.extend(audit.map(|audit| self.entry(*audit)));
        if !changes.is_empty() {
            self.write(changes)?;
        }
        Ok(appended)
    }

    /// Assigns a position and routes to an event, unless it is a duplicate.
    pub(super) fn log(
        &self,
        batch: &mut Batch,
        event: Event,
        address: &Address,
        received_at: Timestamp,
        cause: Option<CauseRef>,
    ) -> Result<Result<LoggedEvent, Repeat>, StoreError> {
        let digest = keys::identity(&address.scope, &event.source, &event.id);
        if let Some(position) = batch.seen.get(&digest) {
            return Ok(Err(Repeat { position: *position, event }));
        }
        if let Some(position) = self.kept_with(&digest)? {
            return Ok(Err(Repeat { position, event }));
        }
        let position = self.next_position();
        batch.seen.insert(digest, position);
        let routes = self.route(batch, &event, address, position)?;
        let (scope, blob, redrive_of) = (address.scope.clone(), None, None);
        let dedupe = Some(digest);
        Ok(Ok(LoggedEvent { position, scope, event, blob, received_at, cause, redrive_of, routes, dedupe }))
    }

    /// The address of an event from outside: no installation emitted it, so nothing shares it.
    fn address(&self, to: &Recipients) -> Result<Address, StoreError> {
        Ok(match to {
            Recipients::Rooftop(rooftop) => {
                Address { scope: Scope::Rooftop(rooftop.clone()), to: To::Subscribers { emitter: None } }
            }
            Recipients::Installation(id) => Address { scope: self.published(*id)?.scope.clone(), to: To::One(*id) },
        })
    }

    /// The position of the event with a digest, while that event is kept.
    fn kept_with(&self, digest: &[u8; 16]) -> Result<Option<Position>, StoreError> {
        if self.repeats.is_new(digest) {
            return Ok(None);
        }
        let key = keys::dedupe(digest);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    /// The routes of an event, each with its queue.
    pub(super) fn route(
        &self,
        batch: &mut Batch,
        event: &Event,
        address: &Address,
        position: Position,
    ) -> Result<Vec<Route>, StoreError> {
        let queue_key =
            event.partition_key().map_or_else(|| QueueKey::of_position(position), QueueKey::of_partition_key);
        let recipients = self.routing.recipients(address, &event.type_name);
        let mut routes = Vec::with_capacity(recipients.size_hint().0);
        for id in recipients {
            let first_in_batch = batch.queue_keys.insert((id, queue_key));
            let head =
                first_in_batch && (batch.emptied == Some((id, queue_key)) || self.is_queue_empty(id, queue_key)?);
            routes.push(Route { installation: id, queue_key, head });
        }
        Ok(routes)
    }

    fn is_queue_empty(&self, id: InstallationId, queue_key: QueueKey) -> Result<bool, StoreError> {
        Ok(!queue_key.is_keyed()
            || self.queue_counters.is_empty(id, queue_key)
            || self.next_in_queue(id, queue_key, None)?.is_none())
    }

    /// The first entry of a queue after a position.
    pub(super) fn next_in_queue(
        &self,
        id: InstallationId,
        queue_key: QueueKey,
        after: Option<Position>,
    ) -> Result<Option<Position>, StoreError> {
        let prefix = keys::KeyBuilder::new(table::QUEUE).installation(id).number(queue_key.number()).done();
        let after = after.map(|position| keys::queue(id, queue_key, position));
        let found = self.shared.view.scan(&prefix, after.as_deref(), 1)?;
        Ok(found.first().and_then(|(key, _)| keys::last_number(key)).map(Position))
    }

    fn check_room(&self, event: &Event, address: &Address) -> Result<(), StoreError> {
        // While all scopes together use less than one share, none has used up its own.
        let is_far = self.shared.counts.read().waiting() < self.shared.options.scope_queue_entries_max;
        let most = self.shared.options.installation_queue_entries_max;
        let mut checked = BTreeSet::new();
        for id in self.routing.recipients(address, &event.type_name) {
            let waiting = self.shared.counts.read().of(id).waiting;
            if is_far && waiting < most {
                continue;
            }
            let installation = self.published(id)?;
            if !is_far && checked.insert(installation.scope.clone()) {
                self.check_share(&installation.scope)?;
            }
            if waiting >= most {
                return Err(StoreError::QueueFull { installation: installation.name.clone(), waiting, most });
            }
        }
        Ok(())
    }

    /// Checks that the installations of a scope have not used up its share of the queues.
    fn check_share(&self, scope: &Scope) -> Result<(), StoreError> {
        let most = self.shared.options.scope_queue_entries_max;
        let counts = self.shared.counts.read();
        let installations = self.shared.installations.read();
        let own = installations.values().filter(|installation| installation.scope == *scope);
        let waiting = own.map(|installation| counts.of(installation.id).waiting).sum();
        if waiting < most {
            return Ok(());
        }
        Err(StoreError::QueuesFull { scope: scope.clone(), waiting, most })
    }
}
