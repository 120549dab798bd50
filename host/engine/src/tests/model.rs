//! The sequential model: replays every commit, one after the other in the order of the log, over plain maps. The final
//! content of the store must equal the result exactly.

mod checks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use handoff_model::effects::{Effects, MetricChange};
use handoff_model::event::{Event, host_types};
use handoff_model::installation::{GenerationReason, GenerationRecord};
use handoff_model::limits::EngineLimits;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_store::{AttemptRecord, EventFilter, OutboxEntry, OutboxState, Standing, Store, StoredEvent};

use super::judge;
use super::outside::Settings;
use super::people::{self, Turn};
use super::script::{self, Body, MARKER, Part, Script, Seen};
use super::sites::{self, ALL_SHARES, SITES};
use super::world::{Place, World};

/// Scope, source and id.
pub(super) type Name = (Scope, String, String);

/// The commit's position, and the timer that it set: time and event. None for a cancellation.
type TimerChange = (Position, Option<(Timestamp, Name)>);

/// The model's state of one installation.
#[derive(Default)]
struct Own {
    state: BTreeMap<String, Vec<u8>>,
    /// What each commit did to each timer, in order.
    timers: BTreeMap<String, Vec<TimerChange>>,
    /// Requests by key.
    requests: BTreeMap<String, Body>,
    generation: u64,
    settled: BTreeSet<Position>,
    commits: u64,
    /// Rollback generations by number: the generation whose end they restored, and the kind of rollback.
    turns: BTreeMap<u64, (u64, Turn)>,
    /// The state at the end of each generation.
    ends: BTreeMap<u64, BTreeMap<String, Vec<u8>>>,
    /// What each generation committed, with the attempt.
    committed: BTreeMap<u64, BTreeMap<Position, u32>>,
    /// Entries that a rollback delivers again, with the attempt that was undone.
    again: BTreeMap<Position, u32>,
}

/// All requests with each key: one, or a series in which each request replaced a held one.
pub(super) type Requests = BTreeMap<(InstallationId, String), Vec<OutboxEntry>>;

/// An event that must exist, or that may exist: a timer's.
struct Expected {
    event: Event,
    to: BTreeSet<InstallationId>,
    is_certain: bool,
}

/// A commit as the store reports it.
struct Commit {
    id: InstallationId,
    position: Position,
    attempt: AttemptRecord,
    /// Its position in the order of all commits.
    marker: Position,
}

/// The content of the store, and the model's result for the same events.
pub(super) struct Model<'a> {
    store: &'a Store,
    pub(super) limits: &'a EngineLimits,
    pub(super) log: BTreeMap<Position, StoredEvent>,
    places: BTreeMap<Name, Position>,
    pub(super) attempts: BTreeMap<Place, Vec<AttemptRecord>>,
    pub(super) standings: BTreeMap<Place, Standing>,
    /// The shares of each generation, from the position at which it became active.
    shares: BTreeMap<InstallationId, BTreeMap<Position, u8>>,
    own: BTreeMap<InstallationId, Own>,
    expected: BTreeMap<Name, Expected>,
}

/// Checks after a start that everything acknowledged is there.
pub(super) fn recovered(world: &World, store: &Store) {
    for (event, position) in &world.outside {
        let found = store.position_of(&people::at(event), &event.source, &event.id).expect("the store reads");
        assert!(position.is_none() || found == *position, "event {} is at {found:?}, not {position:?}", event.id);
    }
    for (id, generation, _) in &world.fences {
        let active = store.installation_by_id(*id).expect("it was installed").active.generation;
        assert!(active >= *generation, "{id:?} is at generation {active}, and {generation} was acknowledged");
    }
    for id in world.paused.keys() {
        assert!(store.installation_by_id(*id).expect("it was installed").paused.is_some(), "{id:?} is not paused");
    }
    for (id, position) in world.redriven.keys().chain(&world.discarded) {
        let standings = store.standings(*position).expect("the store reads");
        let is_letter =
            |state: &handoff_store::RouteState| state.installation == *id && state.standing == Standing::DeadLetter;
        assert!(!standings.iter().any(is_letter), "{position} is a dead letter again");
    }
    let known: BTreeSet<String> = requests(store).into_values().flatten().map(|entry| entry.key).collect();
    for sent in world.sent.values() {
        assert!(known.contains(&sent.body.key), "{:?} was sent, but its commit is lost", sent.body);
    }
}

fn requests(store: &Store) -> BTreeMap<InstallationId, Vec<OutboxEntry>> {
    let ids = store.installations().into_iter().map(|known| known.id);
    ids.map(|id| (id, store.outbox(id, None, 10_000).expect("the store reads"))).collect()
}

/// Checks after everything has ended that the store and the model agree.
pub(super) fn check(world: &mut World, store: &Store, limits: &EngineLimits) {
    let mut model = Model::new(store, limits);
    for (event, position) in &world.outside {
        assert!(position.is_some(), "event {} was never answered", event.id);
        let at = people::at(event);
        let to = sites::recipients(&at, "lead", None, |_| ALL_SHARES);
        model.expect(at, event.clone(), to, true);
    }
    let commits = model.commits();
    let mut entries = Requests::new();
    for (id, entry) in requests(store).into_iter().flat_map(|(id, all)| all.into_iter().map(move |one| (id, one))) {
        entries.entry((id, entry.key.clone())).or_default().push(entry);
    }
    for commit in &commits {
        judge::fence(world, commit.id, commit.attempt.generation, commit.marker);
        model.pass_to(world, commit.id, commit.attempt.generation.0);
        model.commit(world, &entries, commit);
    }
    for installation in store.installations() {
        model.pass_to(world, installation.id, installation.active.generation.0);
    }
    model.check_log();
    model.check_standings(world, &commits);
    model.check_timers(world);
    model.check_own();
    let requests =
        model.own.iter().flat_map(|(id, own)| own.requests.iter().map(|(key, body)| ((*id, key.clone()), body)));
    judge::requests(world, limits, &requests.collect(), &entries);
    for (place, attempts) in &model.attempts {
        judge::attempts(world, &model, *place, attempts);
    }
}

impl<'a> Model<'a> {
    fn new(store: &'a Store, limits: &'a EngineLimits) -> Self {
        let log = store.events(None, 100_000, &EventFilter::default()).expect("the store reads");
        let log: BTreeMap<Position, StoredEvent> = log.into_iter().map(|stored| (stored.position, stored)).collect();
        let (mut attempts, mut standings) = (BTreeMap::<Place, Vec<AttemptRecord>>::new(), BTreeMap::new());
        let mut places = BTreeMap::new();
        for (position, stored) in &log {
            if stored.redrive_of.is_none() {
                let before = places.insert(name(stored), *position);
                assert!(before.is_none(), "{before:?} and {position} are the same event");
            }
            if stored.routed_to.is_empty() {
                continue;
            }
            for attempt in store.attempts(*position).expect("the store reads") {
                attempts.entry((attempt.installation, *position)).or_default().push(attempt);
            }
            for state in store.standings(*position).expect("the store reads") {
                standings.insert((state.installation, *position), state.standing);
            }
        }
        let ids = || (0..SITES.len()).map(sites::id);
        let own = ids().map(|id| (id, Own { turns: turns(store, id), ..Own::default() })).collect();
        let shares = ids().map(|id| (id, shares(store, id))).collect();
        Self { store, limits, log, places, attempts, standings, shares, own, expected: BTreeMap::new() }
    }

    /// In the order in which they were decided: that of their markers in the log.
    fn commits(&self) -> Vec<Commit> {
        let mut commits = Vec::new();
        for ((id, position), attempts) in &self.attempts {
            for attempt in attempts.iter().filter(|attempt| attempt.failure.is_none()) {
                let marker = attempt.emitted.iter().find(|emitted| emitted.type_name == MARKER);
                let marker = marker.unwrap_or_else(|| panic!("{position} was committed before")).position;
                commits.push(Commit { id: *id, position: *position, attempt: attempt.clone(), marker });
            }
        }
        commits.sort_by_key(|commit| commit.marker);
        commits
    }

    fn expect(&mut self, scope: Scope, event: Event, to: BTreeSet<InstallationId>, is_certain: bool) {
        let name = (scope, event.source.clone(), event.id.clone());
        if let Some(known) = self.expected.get(&name) {
            assert_eq!(known.event, event, "one name for two events");
            return;
        }
        self.expected.insert(name, Expected { event, to, is_certain });
    }

    /// Moves to the next generation. If it is a rollback, restores the state and reopens what is to be delivered again.
    fn pass_to(&mut self, world: &mut World, id: InstallationId, generation: u64) {
        let own = self.own.get_mut(&id).expect("it is installed");
        for generation in own.generation + 1..=generation {
            own.ends.insert(generation - 1, own.state.clone());
            let Some((to, turn)) = own.turns.get(&generation).copied() else { continue };
            if turn.restore {
                let before = own.ends[&to].clone();
                world.tally.restored += u64::from(before != own.state);
                own.state = before;
            }
            if turn.replay {
                for (position, attempt) in own.committed.range(to + 1..generation).flat_map(|(_, all)| all) {
                    if own.settled.remove(position) {
                        world.tally.replayed += 1;
                        own.again.insert(*position, *attempt);
                    }
                }
            }
        }
        own.generation = own.generation.max(generation);
    }

    /// Replays a commit: everything that it needed must have existed, and its results must be the same.
    fn commit(&mut self, world: &mut World, entries: &Requests, commit: &Commit) {
        let Commit { id, position, attempt, .. } = commit;
        let stored = &self.log[position];
        let event = stored.event.clone();
        let expected = self.expected.get(&name(stored));
        assert!(expected.is_some_and(|expected| expected.event == event), "{position} is handled, but nobody made it");
        let scope = sites::handles_in(*id, &stored.scope);
        self.check_lane(*id, *position, &event);
        let script = Script::of(&event);
        let is_copy = stored.redrive_of.is_some();
        let healed = is_copy && world.healed.contains(&(*id, script::name(&event)));
        // A rollback delivers dead letters again unasked and unchanged.
        let by_rollback = is_copy && !self.own[id].turns.is_empty();
        assert!(is_copy == healed || by_rollback, "{position} is delivered again, but nobody asked for it");
        let settings = self.settings(*id, attempt.generation.0);
        let own = self.own.get_mut(id).expect("it is installed");
        assert!(own.settled.insert(*position), "{position} is committed twice");
        assert!(attempt.generation.0 >= own.generation, "{position}: a generation came back");
        let undone = own.again.get(position).copied();
        own.committed.entry(attempt.generation.0).or_default().insert(*position, attempt.attempt);
        own.commits += 1;
        let part = Part {
            installation: sites::name_of(*id),
            scope: &scope,
            generation: attempt.generation.0,
            attempt: attempt.attempt,
            now: attempt.time,
            bad: settings.bad,
            // Whether it fails first does not change its final effects.
            healed: healed || by_rollback,
            event: &event,
        };
        let failures = if healed { 0 } else { u32::from(script.fails) };
        let expected = undone.unwrap_or(failures) + 1;
        assert!(attempt.attempt == expected || by_rollback, "{position} is committed by attempt {}", attempt.attempt);
        let effects = script.play(&part, &own.seen(&script, &event));
        let effects = effects.unwrap_or_else(|why| panic!("{position} is committed, but it fails: {why:?}"));
        for (key, value) in &effects.state_writes {
            match value {
                Some(value) => drop(own.state.insert(key.clone(), value.clone())),
                None => drop(own.state.remove(key)),
            }
        }
        self.follow(world, commit, &scope, effects, entries);
    }

    /// Applies the consequences of a commit.
    fn follow(&mut self, world: &mut World, commit: &Commit, scope: &Scope, effects: Effects, entries: &Requests) {
        let (id, marker) = (commit.id, commit.marker);
        for event in effects.emitted {
            let active =
                |id: InstallationId| *self.shares[&id].range(..=marker).next_back().expect("it is installed").1;
            let of =
                |shares: &dyn Fn(InstallationId) -> u8| sites::recipients(scope, &event.type_name, Some(id), shares);
            let (to, most, least) = (of(&active), of(&|_| ALL_SHARES), of(&|_| 0));
            world.tally.shared += u64::from(to != least);
            world.tally.unshared += u64::from(to != most);
            self.expect(scope.clone(), event, to, true);
        }
        for key in effects.timers_cancelled {
            self.timer(id, key, (marker, None));
        }
        for (key, timer) in effects.timers_set {
            let name = (scope.clone(), timer.event.source.clone(), timer.event.id.clone());
            self.timer(id, key, (marker, Some((timer.at, name))));
            self.expect(scope.clone(), timer.event, BTreeSet::from([id]), false);
        }
        for request in effects.outbox {
            let body: Body = postcard::from_bytes(&request.request.body.unwrap_or_default()).expect("a body");
            let own = self.own.get_mut(&id).expect("it is installed");
            let is_known = own.requests.insert(request.key.clone(), body).is_some();
            let rows = entries.get(&(id, request.key.clone())).map(Vec::as_slice).unwrap_or_default();
            let is_its =
                |row: &&OutboxEntry| row.cause == commit.position && row.generation == commit.attempt.generation;
            // A request with a known key is dropped, unless the known one was held.
            let Some(entry) = rows.iter().find(is_its) else {
                assert!(is_known, "{} is lost", request.key);
                continue;
            };
            if !request.answer || entry.state_undone || matches!(entry.state, OutboxState::Discarded { .. }) {
                continue;
            }
            let name = (scope.clone(), format!("/outbox/{}", sites::name_of(id)), entry.position.to_string());
            let place = self.places.get(&name).unwrap_or_else(|| panic!("{} has no answer", request.key));
            let event = self.log[place].event.clone();
            assert_eq!(event.partition_key(), request.partition_key.as_deref(), "the answer's queue");
            check_answer(&event, entry);
            self.expect(scope.clone(), event, BTreeSet::from([id]), true);
        }
    }

    fn timer(&mut self, id: InstallationId, key: String, done: TimerChange) {
        self.own.get_mut(&id).expect("it is installed").timers.entry(key).or_default().push(done);
    }

    fn settings(&self, id: InstallationId, generation: u64) -> Settings {
        let records = self.store.generations(id).expect("the store reads");
        let record = records.iter().find(|record| record.generation.0 == generation).expect("it was made");
        serde_json::from_str(&record.content.config_json).expect("settings")
    }

    /// Checks that all earlier entries of the queue have gone.
    fn check_lane(&self, id: InstallationId, position: Position, event: &Event) {
        let Some(key) = event.partition_key() else { return };
        for (earlier, stored) in self.log.range(..position) {
            if !stored.routed_to.contains(&id) || stored.event.partition_key() != Some(key) {
                continue;
            }
            let gone = self.own[&id].settled.contains(earlier)
                || !matches!(self.standings[&(id, *earlier)], Standing::Committed);
            assert!(gone, "{position} of {key} is committed before {earlier}");
        }
    }
}

impl Model<'_> {
    /// Whether there were rollbacks, which matters for checks of attempts.
    pub(super) fn went_back(&self, id: InstallationId) -> bool {
        !self.own[&id].turns.is_empty()
    }

    /// Whether a rollback made one of the generations from the first to the second.
    pub(super) fn rolls_back_between(&self, id: InstallationId, first: Generation, second: Generation) -> bool {
        self.own[&id].turns.range(first.0..=second.0).next().is_some()
    }

    /// Whether an entry is delivered again after its commit was undone.
    pub(super) fn is_again(&self, place: Place) -> bool {
        self.own[&place.0].again.contains_key(&place.1)
    }
}

impl Own {
    fn seen(&self, script: &Script, event: &Event) -> Seen {
        let mut seen: Seen =
            script.keys(event).into_iter().map(|key| (key.clone(), self.state.get(&key).cloned())).collect();
        if let Some((prefix, limit)) = script.scan() {
            let found = self.state.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
            let found: Vec<(String, Vec<u8>)> =
                found.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect();
            seen.insert("scan".to_owned(), Some(postcard::to_stdvec(&found).expect("plain data")));
        }
        seen
    }
}

/// Scope, source and id of an event of the log.
fn name(stored: &StoredEvent) -> Name {
    (stored.scope.clone(), stored.event.source.clone(), stored.event.id.clone())
}

/// The shares of each generation, from the position at which it became active.
fn shares(store: &Store, id: InstallationId) -> BTreeMap<Position, u8> {
    let records = store.generations(id).expect("the store reads");
    let from = |record: &GenerationRecord| {
        let details = store.generation_details(id, record.generation).expect("the store reads").expect("it was made");
        let settings: Settings = serde_json::from_str(&record.content.config_json).expect("settings");
        (details.starts_at, settings.shares)
    };
    records.iter().map(from).collect()
}

/// Generations of an installation that are rollbacks.
fn turns(store: &Store, id: InstallationId) -> BTreeMap<u64, (u64, Turn)> {
    let records = store.generations(id).expect("the store reads");
    let turns = records.into_iter().filter_map(|record| match record.reason {
        GenerationReason::Rollback { restores } => {
            let turn = serde_json::from_str(&record.note.unwrap_or_default()).expect("the note of a rollback");
            Some((record.generation.0, (restores.0, turn)))
        }
        _ => None,
    });
    turns.collect()
}

fn check_answer(event: &Event, entry: &OutboxEntry) {
    assert_eq!(event.type_name, host_types::OUTBOX_ANSWERED);
    let data: Value = serde_json::from_slice(&event.data).expect("JSON");
    let outcome = match entry.state {
        OutboxState::Answered { .. } => "answered",
        OutboxState::Failed { .. } => "failed",
        OutboxState::Pending { .. } => "pending",
        OutboxState::Held { .. } => "held",
        OutboxState::Discarded { .. } => "discarded",
    };
    let told = (data["key"].as_str(), data["outcome"].as_str(), data["attempts"].as_u64());
    assert_eq!(told, (Some(entry.key.as_str()), Some(outcome), Some(entry.attempts.into())));
}

/// The metric that every commit counts.
pub(super) fn handled() -> handoff_model::effects::MetricUpdate {
    let change = MetricChange::Add(1);
    handoff_model::effects::MetricUpdate { name: "handled".to_owned(), labels: BTreeMap::new(), change }
}
