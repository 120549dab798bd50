//! What the simulation observes while it runs: the calls and their times, what reaches the target, what was
//! acknowledged. Reports forbidden observations immediately.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use handoff_model::delivery::DeliveryInfo;
use handoff_model::event::Event;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_store::StoreError;

use super::script::Body;
use super::sites;

pub(super) type Shared = Arc<Mutex<World>>;

/// An entry of an installation's queue.
pub(super) type Place = (InstallationId, Position);

#[derive(Default)]
pub(super) struct World {
    /// Broken promises, in the order observed.
    pub(super) broken: Vec<String>,
    /// What happened, for people to read; also compared to check that two runs of a history are the same.
    pub(super) story: Vec<String>,
    /// Calls and sends so far, and polls of them: while it grows, a task is active.
    pub(super) steps: u64,
    pub(super) crashes: u32,
    /// There are decided requests that are not durable.
    pub(super) in_batch: bool,
    /// A request left meanwhile.
    pub(super) sent_in_batch: bool,
    /// The committer has died; its callers have not noticed yet.
    pub(super) is_dead: bool,
    /// Events from outside, with their position once it was acknowledged.
    pub(super) outside: Vec<(Event, Option<Position>)>,
    /// The scope in which the last delivery of each entry ran.
    pub(super) scopes: BTreeMap<Place, Scope>,
    /// Once a generation is acknowledged, older ones must not commit: the generation, and the last position that their
    /// commits can have.
    pub(super) fences: Vec<(InstallationId, Generation, Position)>,
    /// Acknowledged pauses that no request has begun to end; true once all tasks have been idle since.
    pub(super) paused: BTreeMap<InstallationId, bool>,
    /// How often a pause, resume or swap of each installation has begun.
    managed: BTreeMap<InstallationId, u64>,
    /// Dead letters whose cause was repaired, by installation and name of the event.
    pub(super) healed: BTreeSet<(InstallationId, String)>,
    /// Dead letters whose redelivery was acknowledged, with the new position.
    pub(super) redriven: BTreeMap<Place, Position>,
    pub(super) discarded: BTreeSet<Place>,
    /// Requests at the target, by idempotency key.
    pub(super) sent: BTreeMap<String, Sent>,
    /// How often a send was aborted, by idempotency key: its effect at the target is unknown.
    pub(super) cut: BTreeMap<String, u32>,
    /// How often rarer things happened, to check that the histories contain them.
    pub(super) tally: Tally,
    now: NowAtWork,
}

/// What lives only as long as the process.
#[derive(Default)]
struct NowAtWork {
    queues: BTreeMap<(InstallationId, String), Position>,
    last_in_queue: BTreeMap<(InstallationId, String), Position>,
    running: BTreeMap<InstallationId, usize>,
    /// The last call of each entry: attempt and generation.
    started: BTreeMap<Place, (u32, Generation)>,
    sending: BTreeSet<String>,
    /// The newest generation that was called.
    generation: BTreeMap<InstallationId, Generation>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) body: Body,
    /// Attempts that reached the target, and how often egress was not ready before sending.
    pub(super) attempts: u32,
    pub(super) not_now: u8,
    pub(super) answered: bool,
}

/// How often rarer things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) commits: u64,
    pub(super) failures: u64,
    pub(super) fenced: u64,
    pub(super) conflicts: u64,
    pub(super) dead_letters: u64,
    pub(super) redriven: u64,
    pub(super) timers: u64,
    pub(super) answers: u64,
    pub(super) crashes: u64,
    pub(super) rollbacks: u64,
    pub(super) replayed: u64,
    pub(super) restored: u64,
    /// Held requests that were released or discarded.
    pub(super) held: u64,
    /// Sends that were aborted.
    pub(super) cut: u64,
    /// Events that crossed between scopes.
    pub(super) shared: u64,
    /// Events that would have crossed if all settings had named everything.
    pub(super) unshared: u64,
}

impl World {
    pub(super) fn tell(&mut self, now: Timestamp, what: impl FnOnce() -> String) {
        self.story.push(format!("{:>9} {}", now.0.saturating_sub(super::run::START.0), what()));
    }

    fn promise(&mut self, kept: bool, what: impl FnOnce() -> String) {
        if !kept {
            self.broken.push(what());
        }
    }

    /// The process died: nothing is in flight any more.
    pub(super) fn forget_work(&mut self) {
        self.now = NowAtWork::default();
        self.is_dead = false;
    }

    /// Reports an unexpected refusal. Refusals by a process that is dying are expected.
    pub(super) fn refused(&mut self, error: &StoreError) {
        if !(self.is_dead && matches!(error, StoreError::Stopped(_))) {
            self.broken.push(error.to_string());
        }
    }

    /// A pause, resume or swap of an installation begins: it may be resumed from here on.
    pub(super) fn manage(&mut self, id: InstallationId) -> u64 {
        self.paused.remove(&id);
        let turn = self.managed.entry(id).or_default();
        *turn += 1;
        *turn
    }

    /// A pause was acknowledged. It is valid if no other change has begun since.
    pub(super) fn is_paused(&mut self, id: InstallationId, turn: u64) {
        if self.managed.get(&id) == Some(&turn) {
            self.paused.insert(id, false);
        }
    }

    /// All tasks are idle: deliveries that began before a pause have started by now.
    pub(super) fn settled(&mut self) {
        self.paused.values_mut().for_each(|rested| *rested = true);
    }

    /// A call begins.
    pub(super) fn call(&mut self, id: InstallationId, info: &DeliveryInfo, event: &Event, most: usize) {
        let (position, place) = (info.position, (id, info.position));
        self.steps += 1;
        self.tally.calls += 1;
        let running = self.now.running.entry(id).or_default();
        *running += 1;
        let fits = *running <= most;
        self.promise(fits, || format!("more than {most} active deliveries of {id:?}"));
        self.scopes.insert(place, info.scope.clone());
        let is_its_zone = sites::zones().get(&info.scope) == Some(&info.time_zone);
        self.promise(is_its_zone, || format!("{position} runs in {} by {:?}", info.scope, info.time_zone));
        let before = self.now.started.insert(place, (info.attempt, info.generation));
        self.tally.conflicts += u64::from(before == Some((info.attempt, info.generation)));
        let is_overtaken = |(attempt, generation)| attempt == info.attempt && generation != info.generation;
        self.tally.fenced += u64::from(before.is_some_and(is_overtaken));
        let is_new = before.is_none();
        let paused = self.paused.get(&id) == Some(&true);
        self.promise(!(is_new && paused), || format!("{id:?} is paused, but {position} is delivered"));
        let Some(key) = event.partition_key() else { return };
        let newest = self.now.generation.entry(id).or_default();
        if info.generation > *newest {
            *newest = info.generation;
            // A rollback may deliver again what had gone.
            self.now.last_in_queue.retain(|(owner, _), _| *owner != id);
        }
        let queue = (id, key.to_owned());
        let other = self.now.queues.insert(queue.clone(), position);
        self.promise(other.is_none(), || format!("{other:?} and {position} of {queue:?} at once"));
        let last = self.now.last_in_queue.insert(queue.clone(), position).unwrap_or_default();
        self.promise(last <= position, || format!("{position} of {queue:?} after {last}"));
    }

    /// A call has ended, or was aborted.
    pub(super) fn call_over(&mut self, id: InstallationId, partition: Option<&str>) {
        self.steps += 1;
        if let Some(running) = self.now.running.get_mut(&id) {
            *running -= 1;
        }
        if let Some(key) = partition {
            self.now.queues.remove(&(id, key.to_owned()));
        }
    }

    /// A request is sent.
    pub(super) fn send(&mut self, from: &Scope, key: &str, body: &Body, most: usize) {
        self.steps += 1;
        let is_its_own = sites::scope_of_name(&body.installation) == *from;
        self.promise(is_its_own, || format!("{body:?} is sent from {from}"));
        self.sent_in_batch |= self.in_batch;
        let is_alone = self.now.sending.insert(key.to_owned());
        self.promise(is_alone, || format!("{body:?} is sent twice at once"));
        let count = self.now.sending.len();
        self.promise(count <= most, || format!("{count} requests at once; expected at most {most}"));
        if let Some((other, _)) = self.sent.iter().find(|(known, sent)| *known != key && sent.body == *body) {
            let other = other.clone();
            self.promise(false, || format!("{body:?} went out under {other} and {key}"));
        }
        let fresh = Sent { body: body.clone(), attempts: 0, not_now: 0, answered: false };
        let known = self.sent.entry(key.to_owned()).or_insert(fresh);
        let (is_same, was_answered) = (known.body == *body, known.answered);
        self.promise(is_same, || format!("{key} stands for two requests"));
        // Its answer may have been lost with the process.
        let may_repeat = self.crashes > 0 || self.cut.contains_key(key);
        self.promise(!was_answered || may_repeat, || format!("{body:?} is sent again after its answer"));
    }

    pub(super) fn send_over(&mut self, key: &str, is_cut: bool) {
        self.steps += 1;
        if is_cut {
            self.tally.cut += 1;
            *self.cut.entry(key.to_owned()).or_default() += 1;
        }
        self.now.sending.remove(key);
    }
}
