//! Swaps, rollbacks and held requests in the random histories, as the model sees them.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys;
use crate::keys::table;
use crate::{HeldAction, Leave, Migration, Ready, RollbackJob, Standing, Step, StoreError, Verdict};
use handoff_model::actor::Actor;
use handoff_model::effects::{ReadSet, Trace};
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::model::{Entry, Handled, Own};
use super::random::{NAMES, Pair, Rollback};
use super::support::{Bench, generation, queue_key, run, writes};

impl Own {
    /// Records a timer before a commit changes it.
    pub(super) fn keep_timer(&mut self, key: &str) {
        let now = self.timers.get(key).cloned();
        self.timers_before.entry(self.generation).or_default().entry(key.to_owned()).or_insert(now);
    }

    fn begin_generation(&mut self) {
        self.ends.insert(self.generation, self.state.clone());
        self.generation += 1;
        self.undone = None;
    }

    /// Entries that generations committed and that are neither queued nor dead letters now, each with its last attempt.
    fn again(&self, left: &std::ops::RangeInclusive<u64>) -> BTreeMap<u64, Handled> {
        let mut again = BTreeMap::<u64, Handled>::new();
        for handled in self.handled.iter().filter(|handled| left.contains(&handled.generation)) {
            let known = again.entry(handled.position).or_insert_with(|| handled.clone());
            known.attempt = known.attempt.max(handled.attempt);
        }
        again.retain(|position, _| !self.queue.contains_key(position) && !self.letters.contains_key(position));
        again
    }

    /// Requeues entries; later entries of their queues then no longer wait for a retry. Returns how many.
    fn wait_again(&mut self, back: Vec<Handled>) -> u64 {
        let count = back.len();
        for Handled { position, attempt, mut entry, .. } in back {
            (entry.attempts, entry.due) = (attempt, None);
            self.queue.insert(position, entry);
        }
        let heads: BTreeSet<u64> = self.heads().into_iter().map(|(position, _)| position).collect();
        for (position, entry) in &mut self.queue {
            if !heads.contains(position) {
                entry.due = None;
            }
        }
        u64::try_from(count).unwrap()
    }

    /// Restores the timers that the rolled-back generations changed, including those that fired in the meantime.
    fn put_timers_back(&mut self, left: std::ops::RangeInclusive<u64>) {
        for generation in left.rev() {
            for (key, before) in self.timers_before.get(&generation).cloned().unwrap_or_default() {
                if self.timers.get(&key) == before.as_ref() {
                    continue;
                }
                self.keep_timer(&key);
                match before {
                    Some(timer) => self.timers.insert(key, timer),
                    None => self.timers.remove(&key),
                };
            }
        }
    }
}

impl Bench {
    /// Finishes every rollback, as the host does at its start.
    pub(super) fn finish_rollbacks(&self, at: Timestamp) {
        for installation in self.installations() {
            let is_unfinished = |job: &RollbackJob| !job.is_done();
            while self.rollback_job(installation.id).filter(is_unfinished).is_some() {
                run(self.continue_rollback(installation.id, at)).unwrap();
            }
        }
    }

    fn is_queued(&self, id: InstallationId) -> BTreeSet<u64> {
        let rows = self.shared.view.scan(&keys::prefix(table::QUEUE, Some(id)), None, 10_000).unwrap();
        rows.iter().filter_map(|(key, _)| keys::last_number(key)).collect()
    }
}

impl Pair {
    pub(super) fn new_generation(&mut self, to: u8, migrate: &[(u8, u16)]) {
        let (name, accepts) = NAMES[usize::from(to)];
        let id = self.id(to);
        let own = self.model.own.get_mut(&id.0).unwrap();
        let fill = own.generation.to_le_bytes()[0];
        own.begin_generation();
        let mut new = generation(name, accepts, Some(Generation(own.generation - 1)));
        let writes = migrate
            .iter()
            .map(|(key, bytes)| (format!("k{key}"), (*bytes > 0).then(|| vec![fill; usize::from(*bytes)])));
        let writes: BTreeMap<_, _> = writes.collect();
        for (key, value) in writes.clone() {
            match value {
                Some(value) => own.state.insert(key, value),
                None => own.state.remove(&key),
            };
        }
        if !writes.is_empty() {
            new.migration = Some(Migration { snapshot: self.store.snapshot(), reads: ReadSet::default(), writes });
        }
        run(self.store.put_generation(new)).unwrap();
    }

    pub(super) fn roll_back(&mut self, rollback: &Rollback) {
        let Rollback { to, back, restore, replay, kill } = *rollback;
        let (name, accepts) = NAMES[usize::from(to)];
        let id = self.id(to);
        let own = self.model.own.get_mut(&id.0).unwrap();
        let active = own.generation;
        let Some(target) = active.checked_sub(back + 1).filter(|target| *target > 0) else { return };
        let reaches = own.undo_reaches;
        let leave = Leave { to_end_of: Generation(target), restore_state: restore, replay, unless_paused: false };
        let mut new = generation(name, accepts, Some(Generation(active)));
        new.reason = GenerationReason::Rollback { restores: Generation(target) };
        new.leave = Some(leave);
        let made = run(self.store.put_generation(new));
        if restore && target < reaches {
            assert!(matches!(made, Err(StoreError::UndoGone { oldest, .. }) if oldest == reaches), "{made:?}");
            return;
        }
        made.unwrap();
        own.begin_generation();
        let left = target + 1..=active;
        own.undone = (restore && !replay).then(|| left.clone());
        if restore {
            own.state = own.ends[&target].clone();
            own.put_timers_back(left.clone());
        }
        // While nothing was dropped, the requeued entries are known at once.
        let back = (replay && self.dropped == 0).then(|| own.wait_again(own.again(&left).into_values().collect()));
        let withdrawn = self.withdrawn(id, &left, replay);
        let meanwhile = self.meanwhile && (back.is_some() || !replay);
        let mut steps = 0;
        let done = self.carry_out(id, kill, meanwhile, &mut steps);
        assert_eq!(done.events_withdrawn, withdrawn);
        let (store, dropped) = (&self.store, self.dropped);
        let own = self.model.own.get_mut(&id.0).unwrap();
        match back {
            Some(back) => assert_eq!(done.events_replayed, back),
            None if replay => check_replay(store, id, own, &left, &done, dropped),
            None => assert_eq!((done.events_replayed, done.events_gone), (0, 0)),
        }
        assert_eq!(done.retries_made_due, own.retry_at(self.model.now));
        let mut held = 0;
        for sent in own.outbox.values_mut().filter(|sent| sent.due.is_some() && left.contains(&sent.generation)) {
            (sent.due, sent.held) = (None, true);
            sent.state_undone |= restore && !replay;
            held += 1;
        }
        assert_eq!(done.requests_held, held);
        let letters = own.letters.iter().filter(|(_, letter)| left.contains(&letter.failed_by) && !letter.is_withdrawn);
        let letters: Vec<u64> = letters.map(|(at, _)| *at).collect();
        assert_eq!(done.dead_letters_redriven, u64::try_from(letters.len()).unwrap());
        let mut last = 0;
        for old in letters {
            let standings = store.standings(Position(old)).unwrap();
            let own_standing = standings.iter().find(|standing| standing.installation == id).unwrap().standing;
            let Standing::Redriven { position } = own_standing else { panic!("{old}: {own_standing:?}") };
            assert!(position.0 > last, "in the order in which they came");
            last = position.0;
            let entry = own.letters.remove(&old).unwrap();
            own.queue.insert(position.0, entry.redriven());
        }
        // Queues are restored. What is delivered now reads state through the undo.
        if !done.is_done() {
            let meanwhile = self.meanwhile;
            assert!(self.carry_out(id, kill, meanwhile, &mut steps).is_done());
        }
    }

    /// Withdraws what these generations emitted and the other installation has not handled. Returns how many.
    fn withdrawn(&mut self, id: InstallationId, left: &std::ops::RangeInclusive<u64>, replay: bool) -> u64 {
        let starts =
            |generation: u64| self.store.generation_details(id, Generation(generation)).unwrap().unwrap().starts_at.0;
        let emitted = starts(*left.start())..starts(left.end() + 1);
        // Only the second installation accepts emitted events, and its own stay.
        let second = self.id(1);
        let Some(other) = self.model.own.get_mut(&second.0).filter(|_| id != second) else { return 0 };
        let is_its = |(position, entry): &(&u64, &Entry)| entry.emitter == Some(id.0) && emitted.contains(*position);
        let positions: Vec<u64> = other.queue.iter().filter(is_its).map(|(position, _)| *position).collect();
        for position in &positions {
            let entry = other.queue.remove(position).unwrap();
            if !replay {
                let (attempts, due, failed_by, is_withdrawn) = (0, None, other.generation, true);
                other.dead_lettered += 1;
                other.letters.insert(*position, Entry { attempts, due, failed_by, is_withdrawn, ..entry });
            }
        }
        if replay {
            self.model.seen.retain(|_, known| !positions.contains(known));
        }
        u64::try_from(positions.len()).unwrap()
    }

    /// Runs the job's steps up to the restore, or to its end if it is there already.
    fn carry_out(
        &mut self,
        id: InstallationId,
        kill: Option<(usize, super::random::Kill)>,
        meanwhile: bool,
        steps: &mut usize,
    ) -> RollbackJob {
        let was_restoring = self.store.rollback_job(id).unwrap().step == Step::Restore;
        loop {
            *steps += 1;
            if let Some((_, kill)) = kill.filter(|(at, _)| *at + 1 == *steps) {
                self.die(kill);
            }
            if meanwhile {
                self.deliver_meanwhile(id);
            }
            let done = run(self.store.continue_rollback(id, Timestamp(self.model.now))).unwrap();
            if done.is_done() || done.step == Step::Restore && !was_restoring {
                return done;
            }
        }
    }

    /// During a rollback: a deliverable entry is the first of its queue for good, and no other entry may be delivered.
    fn deliver_meanwhile(&mut self, id: InstallationId) {
        let heads: BTreeMap<u64, Ready> = (self.model.own[&id.0].heads().into_iter())
            .filter(|(_, entry)| entry.due.is_none())
            .map(|(at, entry)| (at, Ready { position: Position(at), queue_key: queue_key(entry.key.as_deref(), at) }))
            .collect();
        let state: BTreeMap<_, _> = self.store.state(id).into_iter().collect();
        assert_eq!(state, self.model.own[&id.0].state, "state is as it will be from the first moment");
        let ready = self.store.ready_positions(id);
        assert!(ready.iter().all(|position| heads.contains_key(position)), "{ready:?} may go, of {heads:?}");
        let write = |position: u64| writes(&[("k0", Some(&position.to_le_bytes()))]);
        let commit = |entry: Ready| {
            let attempt = self.store.attempt(id, entry);
            run(self.store.commit(attempt, self.store.snapshot(), write(entry.position.0), Trace::default())).unwrap()
        };
        if let Some((_, late)) = heads.iter().find(|(position, _)| !ready.contains(position)) {
            assert_eq!(commit(*late), Verdict::Fenced, "{late:?} waits for the rollback");
        }
        let Some(first) = ready.first() else { return };
        let Verdict::Done { next } = commit(heads[first]) else { panic!("{first} may go") };
        let after = self.model.own[&id.0].next_after(*first);
        assert!(next.is_none() || next.map(|next| next.position.0) == after, "{next:?} follows {first}, not {after:?}");
        self.committed(id, *first, write(*first), None);
    }

    pub(super) fn resolve_held(&mut self, to: u8, which: usize, release: bool) {
        let now = self.model.now;
        let id = self.id(to);
        let own = self.model.own.get_mut(&id.0).unwrap();
        let held: Vec<String> = own.outbox.iter().filter(|(_, sent)| sent.held).map(|(key, _)| key.clone()).collect();
        let Some(key) = held.get(which % held.len().max(1)) else { return };
        let sent = own.outbox.get_mut(key).unwrap();
        sent.held = false;
        sent.state_undone |= release && own.undone.as_ref().is_some_and(|undone| undone.contains(&sent.generation));
        (sent.due, sent.discarded) = (release.then_some(now), !release);
        let position = Position(sent.position);
        let places = || vec![(id, position)];
        let then = if release { HeldAction::Release } else { HeldAction::Discard };
        let settle = || self.store.resolve_held(places(), then, Actor::user("ann"), "seen".into(), Timestamp(now));
        assert_eq!(run(settle()).unwrap(), 1);
        assert!(matches!(run(settle()), Err(StoreError::NoHeldRequest(_))));
    }
}

/// Checks that the committed entries of rolled-back generations wait again, except for dropped ones, which are
/// reported.
fn check_replay(
    store: &Bench,
    id: InstallationId,
    own: &mut Own,
    left: &std::ops::RangeInclusive<u64>,
    done: &RollbackJob,
    dropped: u32,
) {
    let queued = store.is_queued(id);
    let again = own.again(left);
    let (back, gone): (Vec<_>, Vec<_>) = again.into_values().partition(|handled| queued.contains(&handled.position));
    assert!(gone.is_empty() || dropped > 0, "{gone:?} are gone, but nothing was let go");
    assert!(done.events_gone >= u64::try_from(gone.len()).unwrap(), "{gone:?}, but it says {done:?}");
    assert_eq!(done.events_replayed, u64::try_from(back.len()).unwrap());
    own.wait_again(back);
}
