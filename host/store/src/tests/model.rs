//! A model of the store, built from plain collections: the expected answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys;
use crate::keys::table;
use crate::{AuditVerdict, EventFilter, InstallationCounts, OutboxState, Ready};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::support::{Bench, queue_key, scope};

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Option<String>,
    pub(super) data: Vec<u8>,
    pub(super) attempts: u32,
    pub(super) due: Option<u64>,
    /// For a dead letter: the generation whose delivery failed for good.
    pub(super) failed_by: u64,
    /// The installation that emitted it.
    pub(super) emitter: Option<u32>,
    /// For a dead letter: a rollback of its emitter withdrew it.
    pub(super) is_withdrawn: bool,
}

/// A delivery that was committed.
#[derive(Clone, Debug)]
pub(super) struct Handled {
    pub(super) generation: u64,
    pub(super) position: u64,
    pub(super) attempt: u32,
    pub(super) entry: Entry,
}

/// Timers from before a generation first changed them.
pub(super) type TimersBefore = BTreeMap<String, Option<(u64, String)>>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) position: u64,
    pub(super) attempts: u32,
    /// An attempt has begun and not ended.
    pub(super) is_begun: bool,
    /// An attempt that is over may have reached the target.
    pub(super) may_have_arrived: bool,
    /// When it is due, while it is pending.
    pub(super) due: Option<u64>,
    pub(super) answered: bool,
    pub(super) held: bool,
    /// A rollback undid the state of the delivery that wrote it.
    pub(super) state_undone: bool,
    pub(super) discarded: bool,
    pub(super) generation: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub(super) queue: BTreeMap<u64, Entry>,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) letters: BTreeMap<u64, Entry>,
    /// Key → due time, and the event's id.
    pub(super) timers: BTreeMap<String, (u64, String)>,
    pub(super) outbox: BTreeMap<String, Sent>,
    /// The generations whose state the last rollback undid without repeating their deliveries.
    pub(super) undone: Option<std::ops::RangeInclusive<u64>>,
    /// Keys of answered requests that retention dropped: they must still not be sent again.
    pub(super) done_keys: BTreeSet<String>,
    pub(super) generation: u64,
    /// State at the end of each generation.
    pub(super) ends: BTreeMap<u64, BTreeMap<String, Vec<u8>>>,
    pub(super) timers_before: BTreeMap<u64, TimersBefore>,
    pub(super) handled: Vec<Handled>,
    /// The oldest generation whose end state can be restored.
    pub(super) undo_reaches: u64,
    pub(super) committed: u64,
    pub(super) failed_attempts: u64,
    pub(super) dead_lettered: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) own: BTreeMap<u32, Own>,
    /// Ids in the log, of source `/outside`.
    pub(super) seen: BTreeMap<String, u64>,
    pub(super) now: u64,
    /// Numbers of installations that were uninstalled.
    pub(super) gone: BTreeSet<u32>,
}

impl Entry {
    /// A newly queued entry.
    pub(super) fn new(key: Option<String>, data: Vec<u8>) -> Self {
        Self { key, data, attempts: 0, due: None, failed_by: 0, emitter: None, is_withdrawn: false }
    }

    /// A new event, which no rollback of its emitter withdraws: somebody asked for it.
    pub(super) fn redriven(self) -> Self {
        Self { emitter: None, is_withdrawn: false, ..self }
    }
}

impl Own {
    /// Makes entries that wait for a retry due at `now`. Returns how many.
    pub(super) fn retry_at(&mut self, now: u64) -> u64 {
        let mut later: Vec<_> =
            self.queue.values_mut().filter(|entry| entry.due.is_some_and(|due| due > now)).collect();
        later.iter_mut().for_each(|entry| entry.due = Some(now));
        u64::try_from(later.len()).unwrap()
    }

    /// The first of each queue.
    pub(super) fn heads(&self) -> Vec<(u64, &Entry)> {
        let mut queue_keys = BTreeSet::new();
        let first = |(position, entry): &(&u64, &Entry)| queue_keys.insert(queue_key(entry.key.as_deref(), **position));
        self.queue.iter().filter(first).map(|(position, entry)| (*position, entry)).collect()
    }

    /// The entry after one in its queue.
    pub(super) fn next_after(&self, position: u64) -> Option<u64> {
        let key = self.queue[&position].key.clone()?;
        let same = |entry: &Entry| entry.key.as_ref() == Some(&key);
        self.queue.range(position + 1..).find(|(_, entry)| same(entry)).map(|(position, _)| *position)
    }
}

impl Model {
    /// Compares every read of the store with the model.
    pub(super) fn check(&self, store: &Bench) {
        for (id, own) in &self.own {
            let id = InstallationId(*id);
            check_queue(store, id, own);
            let state = store.state_scan(id, "", None, 10_000).unwrap();
            assert_eq!(state, own.state.clone().into_iter().collect::<Vec<_>>(), "state");
            for (key, value) in &own.state {
                assert_eq!(store.state_get(id, key).unwrap().as_ref(), Some(value), "state {key}");
            }
            let letters = store.dead_letters(Some(id), None, 10_000).unwrap();
            let letters: Vec<u64> = letters.iter().map(|letter| letter.position.0).collect();
            assert_eq!(letters, own.letters.keys().copied().collect::<Vec<_>>(), "dead letters");
            for (position, letter) in &own.letters {
                let event = store.event(Position(*position)).unwrap().expect("a dead letter keeps its event");
                assert_eq!(event.event.data, letter.data);
            }
            check_outbox(store, id, own);
            assert!(store.rollback_job(id).is_none_or(|job| job.is_done()));
            let timers = store.shared.view.scan(&keys::prefix(table::TIMER, Some(id)), None, 10_000).unwrap();
            assert_eq!(timers.len(), own.timers.len(), "timers");
            assert_eq!(store.counts(id), counts(own), "counts");
            assert_eq!(store.installation_by_id(id).unwrap().active.generation.0, own.generation);
            assert_eq!(u64::try_from(store.generations(id).unwrap().len()).unwrap(), own.generation);
        }
        for id in self.gone.iter().map(|id| InstallationId(*id)) {
            assert!(store.installation_by_id(id).is_none() && store.last_known(id).is_some());
            let left = store.shared.pending(id).unwrap();
            assert_eq!([left.events, left.dead_letters, left.requests, left.held, left.timers], [0; 5], "{id:?}");
            let rows = |table| store.shared.view.scan(&keys::prefix(table, Some(id)), None, 1).unwrap();
            for table in [table::QUEUE, table::HEAD, table::WAITING, table::DEAD_LETTER, table::TIMER, table::HELD] {
                assert!(rows(table).is_empty(), "table {table} of {id:?}");
            }
            assert!(!store.generations(id).unwrap().is_empty(), "its history stays");
        }
        assert!(matches!(store.verify_audit().unwrap(), AuditVerdict::Sound { .. }));
        for (id, position) in &self.seen {
            assert_eq!(
                store.position_of(&scope(), "/outside", id).unwrap(),
                Some(Position(*position)),
                "{id} is in the log"
            );
            assert!(store.event(Position(*position)).unwrap().is_some_and(|stored| stored.event.id == *id));
        }
        assert!(store.events(None, 10_000, &EventFilter::default()).unwrap().len() >= self.seen.len());
    }

    /// Retention may delete events that neither wait nor are dead letters.
    pub(super) fn forget(&mut self, store: &Bench) {
        let needed = |position: u64| {
            self.own.values().any(|own| own.queue.contains_key(&position) || own.letters.contains_key(&position))
        };
        let kept = |id: &String| store.position_of(&scope(), "/outside", id).unwrap().is_some();
        self.seen.retain(|id, position| needed(*position) || kept(id));
        for (id, own) in &mut self.own {
            let listed = store.outbox(InstallationId(*id), None, 10_000).unwrap();
            let is_listed = |sent: &Sent| listed.iter().any(|entry| entry.position.0 == sent.position);
            let gone = |_: &String, sent: &Sent| (sent.answered || sent.discarded) && !is_listed(sent);
            let gone: Vec<String> =
                own.outbox.iter().filter(|(key, sent)| gone(key, sent)).map(|(key, _)| key.clone()).collect();
            for key in gone {
                own.outbox.remove(&key);
                own.done_keys.insert(key);
            }
        }
    }
}

fn check_queue(store: &Bench, id: InstallationId, own: &Own) {
    let heads = own.heads();
    let ready: Vec<u64> =
        heads.iter().filter(|(_, entry)| entry.due.is_none()).map(|(position, _)| *position).collect();
    assert_eq!(store.ready_positions(id), ready, "ready");
    let mut waiting: Vec<(u64, u64)> =
        heads.iter().filter_map(|(position, entry)| Some((entry.due?, *position))).collect();
    waiting.sort_unstable();
    let (due, _) = store.due_retries(id, Timestamp(u64::MAX), 10_000).unwrap();
    let due: Vec<u64> = due.iter().map(|ready| ready.position.0).collect();
    assert_eq!(due, waiting.iter().map(|(_, position)| *position).collect::<Vec<_>>(), "waiting");
    for (position, entry) in &own.queue {
        let place = Ready { position: Position(*position), queue_key: queue_key(entry.key.as_deref(), *position) };
        let claim = store.claim(id, place).unwrap().expect("it is in the queue");
        assert_eq!((claim.attempts, &claim.event.data), (entry.attempts, &entry.data), "entry {position}");
    }
    let rows = store.shared.view.scan(&keys::prefix(table::QUEUE, Some(id)), None, 10_000).unwrap();
    assert_eq!(rows.len(), own.queue.len(), "nothing else is in the queue");
}

fn check_outbox(store: &Bench, id: InstallationId, own: &Own) {
    let found: BTreeMap<String, Sent> = store
        .outbox(id, None, 10_000)
        .unwrap()
        .into_iter()
        .map(|entry| {
            let due = match entry.state {
                OutboxState::Pending { due, .. } => Some(due.0),
                _ => None,
            };
            let sent = Sent {
                position: entry.position.0,
                attempts: entry.attempts,
                is_begun: false,
                may_have_arrived: entry.may_have_been_sent,
                due,
                answered: matches!(entry.state, OutboxState::Answered { .. }),
                held: matches!(entry.state, OutboxState::Held { .. }),
                state_undone: entry.state_undone,
                discarded: matches!(entry.state, OutboxState::Discarded { .. }),
                generation: entry.generation.0,
            };
            // Of several requests with one key the last one counts: it replaced the others.
            (entry.key, sent)
        })
        .collect();
    let mut expected = own.outbox.clone();
    for sent in expected.values_mut() {
        sent.may_have_arrived |= std::mem::take(&mut sent.is_begun);
    }
    assert_eq!(found, expected, "outbox");
    let held = store.held(Some(id), None, 10_000).unwrap();
    let held: BTreeSet<String> = held.into_iter().map(|entry| entry.key).collect();
    let expected = own.outbox.iter().filter(|(_, sent)| sent.held).map(|(key, _)| key.clone());
    assert_eq!(held, expected.collect(), "held");
    let (due, _) = store.due_requests(Timestamp(u64::MAX), 10_000, |owner, _| owner != id).unwrap();
    let due: BTreeSet<String> = due.into_iter().map(|due| due.request.key).collect();
    let pending = own.outbox.iter().filter(|(_, sent)| sent.due.is_some()).map(|(key, _)| key.clone());
    assert_eq!(due, pending.collect::<BTreeSet<_>>(), "every pending request, whole");
}

fn counts(own: &Own) -> InstallationCounts {
    let count = |count: usize| u64::try_from(count).unwrap();
    InstallationCounts {
        waiting: count(own.queue.len()),
        dead_letters: count(own.letters.len()),
        outbox_pending: count(own.outbox.values().filter(|sent| sent.due.is_some()).count()),
        committed: own.committed,
        failed_attempts: own.failed_attempts,
        dead_lettered: own.dead_lettered,
        timers: count(own.timers.len()),
        outbox_held: count(own.outbox.values().filter(|sent| sent.held).count()),
    }
}
