//! Which recorded deliveries run again, in which order, and what the state was before the first of them. Reads the
//! store only. Bounds what it reads and what it keeps.
//!
//! **Past state.** A key that no delivery wrote since the first one of the window has its present value. For every
//! other key, the past value is the newest one that an older recorded delivery wrote. If the recordings that are read
//! contain none, the key did not exist. That is certain if every commit of the installation is still recorded.
//! Otherwise it is assumed, and a delivery that reads the key is marked. The same applies to everything from before a
//! migration, which changes state without a delivery, and from before a rollback whose effects are no longer known.
//! Writes that a rollback undid count as never written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;
use handoff_store::{Moment, RecordedChanges, RecordingPlace, Store, StoreError};

use super::swaps::Swaps;

/// Deliveries of one run.
pub const DELIVERIES_MAX: u32 = 10_000;
/// Recordings that are read before the window, for values of keys that it changed.
const LOOK_BACK: usize = 20_000;
/// The same for a single delivery, which may be far back.
const LOOK_BACK_FOR_ONE: usize = 200_000;
/// Recordings that are read after the last value was found: a delivery of an older event may have ended later.
const SLACK: usize = 500;
/// Most bytes of keys and values that are kept of what the window changed.
const CHANGED_BYTES_MAX: usize = 64 << 20;
/// Timers from before the window that are kept.
const TIMERS_MAX: usize = 50_000;

/// Which recorded deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last attempt at each of this many newest events.
    Last(u32),
    /// The last attempt at each event that ended since then.
    Since(Timestamp),
    /// One attempt.
    One(RecordingPlace),
}

/// One step of a run, in the order of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Run it again.
    Run(RecordingPlace),
    /// Apply its recorded writes: its event is older than the window.
    Apply(RecordingPlace),
}

/// What a run starts from.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) steps: Vec<Step>,
    /// State before the first step, where it differs from the present, or may differ.
    pub(super) values: BTreeMap<String, Option<Vec<u8>>>,
    /// Keys of those values that are assumed.
    pub(super) unknown: BTreeSet<String>,
    /// State was changed by more than deliveries since the first step.
    pub(super) present_is_unsure: bool,
    /// Timers that were set or cancelled before the first step, as far back as recordings were read.
    pub(super) timers: BTreeMap<String, Option<Timestamp>>,
    /// Keys of requests that deliveries of the window wrote, whether they run again or are applied as recorded.
    pub(super) requests: HashSet<String>,
    /// Events of the window.
    pub(super) positions: HashSet<Position>,
    /// When the last of its deliveries ended.
    pub(super) ended_at: Timestamp,
}

/// The newest value that was written to a key before the window.
struct Before {
    at: Moment,
    generation: Generation,
    value: Option<Vec<u8>>,
}

struct Gathering<'a> {
    store: &'a Store,
    id: InstallationId,
    window: Window,
    swaps: Swaps,
    /// For each event of the window, the attempt that runs again and the generation that ran then.
    runs: HashMap<Position, (u32, Generation)>,
    first: Option<Moment>,
    last: Option<Moment>,
    first_generation: Generation,
    changed: BTreeMap<String, Option<Before>>,
    changed_bytes: usize,
    not_found: usize,
    timers: BTreeMap<String, (Moment, Option<Timestamp>)>,
    commits: u64,
}

/// Collects a window. `is_of_interest` says for which keys the past matters.
pub(super) fn gather(
    store: &Store,
    id: InstallationId,
    which: Which,
    is_of_interest: &dyn Fn(&str) -> bool,
) -> Result<Window, StoreError> {
    let committed = store.counts(id).committed;
    let mut gathering = Gathering {
        store,
        id,
        window: Window::default(),
        swaps: Swaps::of(store, id)?,
        runs: HashMap::new(),
        first: None,
        last: None,
        first_generation: Generation(0),
        changed: BTreeMap::new(),
        changed_bytes: 0,
        not_found: 0,
        timers: BTreeMap::new(),
        commits: 0,
    };
    let mut walk = Walk { store, id, before: None, is_over: false, page: Vec::new() };
    let mut later = Vec::new();
    gathering.choose(&mut walk, which, &mut later, is_of_interest)?;
    let Some(first) = gathering.first else { return Ok(gathering.window) };
    for place in later {
        // Read a second time: all changes together could fill the memory.
        if let Some(changes) = store.recorded_changes(place)? {
            gathering.take_later(place, &changes, first, is_of_interest);
        }
    }
    let most = if matches!(which, Which::One(_)) { LOOK_BACK_FOR_ONE } else { LOOK_BACK };
    let is_whole = gathering.look_back(&mut walk, most, first, is_of_interest)? && gathering.commits >= committed;
    gathering.finish(is_whole)
}

impl Gathering<'_> {
    /// Chooses the deliveries that run again, and reads the changes of the recordings on the way.
    fn choose(
        &mut self,
        walk: &mut Walk<'_>,
        which: Which,
        later: &mut Vec<RecordingPlace>,
        is_of_interest: &dyn Fn(&str) -> bool,
    ) -> Result<(), StoreError> {
        if let Which::One(place) = which {
            let Some(changes) = self.store.recorded_changes(place)? else { return Ok(()) };
            self.run(place, &changes);
            self.look_for(&changes, is_of_interest);
            return Ok(());
        }
        let most = match which {
            Which::Last(count) => count.min(DELIVERIES_MAX),
            Which::Since(_) | Which::One(_) => DELIVERIES_MAX,
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while self.window.positions.len() < most {
            let Some(group) = walk.next()? else { return Ok(()) };
            let Some(last) = group.iter().copied().max_by_key(|place| place.at) else { continue };
            later.extend(&group);
            let Some(changes) = self.store.recorded_changes(last)? else { continue };
            if matches!(which, Which::Since(since) if changes.finished_at < since) {
                return Ok(());
            }
            self.run(last, &changes);
            self.look_for(&changes, is_of_interest);
        }
        Ok(())
    }

    fn run(&mut self, place: RecordingPlace, changes: &RecordedChanges) {
        self.window.steps.push(Step::Run(place));
        self.window.positions.insert(place.position);
        self.runs.insert(place.position, (place.attempt, changes.generation));
        self.window.ended_at = self.window.ended_at.max(changes.finished_at);
        self.last = Some(place.at).max(self.last);
        if self.first.is_none_or(|first| place.at < first) {
            self.first = Some(place.at);
            self.first_generation = changes.generation;
        }
    }

    /// Handles a recording whose event is in the window, or next to it.
    fn take_later(
        &mut self,
        place: RecordingPlace,
        changes: &RecordedChanges,
        first: Moment,
        is_of_interest: &dyn Fn(&str) -> bool,
    ) {
        self.commits += u64::from(changes.committed);
        if place.at < first {
            self.take_before(place, changes);
            return;
        }
        if !changes.committed {
            return;
        }
        match self.runs.get(&place.position) {
            // Delivered again later, after a rollback. Its writes were undone, or are still there; its requests are
            // known.
            Some((attempt, later)) if *attempt != place.attempt => {
                if Some(place.at) < self.last && !self.swaps.crosses(changes.generation, *later) {
                    self.window.steps.push(Step::Apply(place));
                }
            }
            Some(_) => self.window.requests.extend(changes.requests.iter().cloned()),
            None => {
                if Some(place.at) < self.last {
                    self.window.steps.push(Step::Apply(place));
                }
                self.window.requests.extend(changes.requests.iter().cloned());
            }
        }
        self.look_for(changes, is_of_interest);
    }

    /// Marks the keys whose earlier value is needed. Runs for the deliveries to repeat before anything older is read:
    /// an earlier attempt at the same event may have written it.
    fn look_for(&mut self, changes: &RecordedChanges, is_of_interest: &dyn Fn(&str) -> bool) {
        for (key, _) in &changes.state_writes {
            if is_of_interest(key) && !self.changed.contains_key(key) {
                self.changed_bytes += key.len();
                self.not_found += 1;
                self.changed.insert(key.clone(), None);
            }
        }
    }

    fn take_before(&mut self, place: RecordingPlace, changes: &RecordedChanges) {
        if self.swaps.is_undone(changes.generation, self.first_generation) {
            return;
        }
        for (key, value) in &changes.state_writes {
            let Some(known) = self.changed.get_mut(key) else { continue };
            if known.as_ref().is_none_or(|known| known.at < place.at) {
                self.not_found -= usize::from(known.is_none());
                self.changed_bytes += value.as_ref().map_or(0, Vec::len);
                *known = Some(Before { at: place.at, generation: changes.generation, value: value.clone() });
            }
        }
        for (key, due) in &changes.timers {
            let is_newer = self.timers.get(key).is_none_or(|(at, _)| *at < place.at);
            if is_newer && self.timers.len() < TIMERS_MAX {
                self.timers.insert(key.clone(), (place.at, *due));
            }
        }
    }

    /// Continues through older recordings. Returns true if it reached the beginning of the log.
    fn look_back(
        &mut self,
        walk: &mut Walk<'_>,
        most: usize,
        first: Moment,
        is_of_interest: &dyn Fn(&str) -> bool,
    ) -> Result<bool, StoreError> {
        let (mut looked, mut after_all) = (0, 0);
        while looked < most && after_all < SLACK {
            let Some(group) = walk.next()? else { return Ok(true) };
            for place in group {
                looked += 1;
                after_all = if self.not_found == 0 && place.at < first { after_all + 1 } else { 0 };
                let Some(changes) = self.store.recorded_changes(place)? else { continue };
                self.take_later(place, &changes, first, is_of_interest);
                if self.changed_bytes > CHANGED_BYTES_MAX {
                    self.window.present_is_unsure = true;
                    return Ok(false);
                }
            }
        }
        // The recordings between here and the delivery were not read.
        self.window.present_is_unsure |= walk.is_after(self.window.positions.iter().min().copied());
        Ok(false)
    }

    fn finish(mut self, is_whole: bool) -> Result<Window, StoreError> {
        let first = self.first_generation;
        let active = self.store.installation_by_id(self.id).map(|known| known.active.generation).unwrap_or_default();
        let swaps = &self.swaps;
        // What was undone later existed for the deliveries that ran before, and they run again as if nothing had been
        // undone.
        let last = self.runs.values().map(|(_, generation)| *generation).max().unwrap_or_default();
        let is_mixed = self.runs.values().any(|(_, generation)| swaps.is_undone(*generation, last));
        self.window.present_is_unsure |= is_mixed || swaps.crosses(first, active);
        for (key, before) in self.changed {
            let is_sure = before.as_ref().map_or(is_whole, |before| !swaps.crosses(before.generation, first));
            if !is_sure || is_mixed {
                self.window.unknown.insert(key.clone());
            }
            self.window.values.insert(key, before.and_then(|before| before.value));
        }
        self.window.timers = self.timers.into_iter().map(|(key, (_, due))| (key, due)).collect();
        self.window.steps.sort_by_key(|step| match step {
            Step::Run(place) | Step::Apply(place) => place.at,
        });
        Ok(self.window)
    }
}

/// Recordings from the newest event backwards, those of one event at a time.
struct Walk<'a> {
    store: &'a Store,
    id: InstallationId,
    before: Option<Position>,
    is_over: bool,
    /// By position, ascending.
    page: Vec<RecordingPlace>,
}

impl Walk<'_> {
    fn next(&mut self) -> Result<Option<Vec<RecordingPlace>>, StoreError> {
        while self.page.is_empty() {
            if self.is_over {
                return Ok(None);
            }
            let (page, before) = self.store.recordings(self.id, self.before)?;
            self.is_over = before.is_none();
            self.before = before;
            self.page = page;
        }
        let Some(position) = self.page.last().map(|place| place.position) else { return Ok(None) };
        let start = self.page.partition_point(|place| place.position < position);
        Ok(Some(self.page.split_off(start)))
    }

    /// Whether there are more recordings between here and a position.
    fn is_after(&self, position: Option<Position>) -> bool {
        let here = self.page.last().map(|place| place.position).or(self.before);
        position.zip(here).is_some_and(|(position, here)| here > position)
    }
}
