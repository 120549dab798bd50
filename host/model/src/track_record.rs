//! What the deliveries of one generation came to: outcomes, durations and effects by kind. Plain data of bounded size, with
//! the rules for adding a delivery. It judges nothing; `handoff_policy::probation` compares two of them.
//!
//! An event counts once, when its first attempt ends: later attempts of the same event say nothing new about a version.
//! Durations leave out the time that look-ups took, because that is the target's.

mod classes;
mod effects;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use classes::{CountClass, DurationClass};
pub use effects::{EffectCounts, EffectKind, target_of};

use super::names::Generation;

/// The newest deliveries that a record keeps one by one.
pub const RECENT_MAX: usize = 200;
/// Event types of incoming events that are counted separately; the last entry counts all others.
pub const INPUTS_MAX: usize = 8;
/// Kinds of effects that are counted; others are not.
pub const KINDS_MAX: usize = 16;
/// Kinds of effects of one recent delivery.
const KINDS_OF_ONE_MAX: usize = 6;
/// Targets that are remembered for having answered.
const TARGETS_MAX: usize = 32;

/// A short stand-in for the type of the event that was delivered. Types with the same number are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputId(pub u16);

impl InputId {
    /// The number of an event type: FNV-1a, folded (<http://www.isthe.com/chongo/tech/comp/fnv/>).
    #[must_use]
    pub fn of(type_name: &str) -> Self {
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = type_name.bytes().fold(0x811c_9dc5, fold);
        Self(u16::try_from((hash >> 16) ^ (hash & 0xffff)).unwrap_or_default())
    }
}

/// How the first attempt at an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was committed.
    Committed,
    /// The connector reported a failure.
    Failed,
    /// The connector trapped, exceeded a limit or did not end in time.
    Crashed,
}

/// One of the newest deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Index of the input.
    pub input: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// How long the connector itself ran.
    pub duration: DurationClass,
    /// Kinds of its effects, by index, with their counts; `KINDS_MAX` marks an unused entry.
    effects: [(u8, CountClass); KINDS_OF_ONE_MAX],
}

impl Recent {
    /// How many effects of a kind it had.
    #[must_use]
    pub fn effects_of(&self, kind: usize) -> CountClass {
        let of_kind = self.effects.iter().find(|(known, _)| usize::from(*known) == kind);
        of_kind.map(|(_, count)| *count).unwrap_or_default()
    }
}

/// The deliveries of one type of event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The type. None for the entry that counts all types without an entry of their own.
    pub id: Option<InputId>,
    /// Events whose first attempt ended.
    pub events: u64,
    /// Of those, how many were committed.
    pub committed: u64,
    /// First attempts by duration.
    pub durations: Vec<u32>,
}

/// Answers of one target to outbox requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Host and port.
    pub target: String,
    /// Requests that ended.
    pub ended: u64,
    /// Of those, how many were refused: answered with 4xx, or never sent because a grant or a setting is wrong.
    pub refused: u64,
    /// The last 64: a bit is set for a refused one. The newest is the lowest bit.
    pub newest: u64,
}

/// What the deliveries of one generation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// The generation.
    pub generation: Generation,
    /// Events whose first attempt ended, without `excused`.
    pub events: u64,
    /// First attempts that failed, including those that crashed.
    pub failed: u64,
    /// First attempts that trapped, exceeded a limit or did not end in time.
    pub crashed: u64,
    /// First attempts that failed because a target of a look-up was unavailable. They say nothing about a version and
    /// count nowhere else.
    pub excused: u64,
    /// Events that are finished: committed at any attempt, or given up.
    pub finished: u64,
    /// Events that became dead letters, except because a target was unavailable.
    pub given_up: u64,
    /// Deliveries by type of event.
    pub inputs: Vec<Input>,
    /// Kinds of effects, in the order of their first appearance.
    pub kinds: Vec<EffectKind>,
    /// Counts of effects in committed deliveries.
    pub effects: Vec<EffectCounts>,
    /// The newest deliveries, oldest first.
    pub recent: VecDeque<Recent>,
    /// Answers to outbox requests, by target.
    pub answers: Vec<Answers>,
    /// Targets that answered a look-up or a request at least once.
    targets: Vec<String>,
}

/// The first attempt at an event, to be added.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The type of the event.
    pub input: InputId,
    /// How it ended.
    pub outcome: Outcome,
    /// How long the connector itself ran, in microseconds.
    pub own_us: u64,
    /// Its effects, one by one.
    pub effects: Vec<EffectKind<&'a str>>,
}

impl TrackRecord {
    /// An empty record.
    #[must_use]
    pub fn of(generation: Generation) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Adds the first attempt at an event.
    pub fn observe(&mut self, observed: &Observation<'_>) {
        let duration = DurationClass::of_us(observed.own_us);
        let is_committed = observed.outcome == Outcome::Committed;
        self.events += 1;
        self.failed += u64::from(!is_committed);
        self.crashed += u64::from(observed.outcome == Outcome::Crashed);
        let index = self.input(observed.input);
        if let Some(input) = self.inputs.get_mut(index) {
            input.events += 1;
            input.committed += u64::from(is_committed);
            duration.count_into(&mut input.durations);
        }
        let mut counts = [0_u32; KINDS_MAX];
        for effect in &observed.effects {
            if let Some(count) = self.kind(*effect).and_then(|kind| counts.get_mut(kind)) {
                *count = count.saturating_add(1);
            }
        }
        let unused = (u8::try_from(KINDS_MAX).unwrap_or(u8::MAX), CountClass::default());
        let mut effects = [unused; KINDS_OF_ONE_MAX];
        let present = (0_u8..).zip(counts).filter(|(_, count)| *count > 0);
        for (place, (kind, count)) in effects.iter_mut().zip(present.clone()) {
            *place = (kind, CountClass::of(count));
        }
        if is_committed {
            for (kind, count) in present {
                effects::count(&mut self.effects, index, usize::from(kind), CountClass::of(count));
            }
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        let input = u8::try_from(index).unwrap_or_default();
        self.recent.push_back(Recent { input, outcome: observed.outcome, duration, effects });
    }

    /// Adds the outcome of an outbox request.
    pub fn observe_answer(&mut self, target: &str, is_refused: bool) {
        let target = effects::bounded(target);
        let known = self.answers.iter().position(|answers| answers.target == target);
        let index = known.unwrap_or(self.answers.len());
        if known.is_none() && index < KINDS_MAX {
            self.answers.push(Answers { target: target.to_owned(), ended: 0, refused: 0, newest: 0 });
        }
        if let Some(answers) = self.answers.get_mut(index) {
            answers.ended += 1;
            answers.refused += u64::from(is_refused);
            answers.newest = (answers.newest << 1) | u64::from(is_refused);
        }
    }

    /// Remembers that a target answered.
    pub fn answered(&mut self, target: &str) {
        let target = effects::bounded(target);
        if self.targets.len() < TARGETS_MAX && !self.has_answered(target) {
            self.targets.push(target.to_owned());
        }
    }

    /// Whether a target answered before.
    #[must_use]
    pub fn has_answered(&self, target: &str) -> bool {
        let target = effects::bounded(target);
        self.targets.iter().any(|known| known == target)
    }

    /// How many effects of each size committed deliveries of an input had; deliveries without any are in the first class.
    #[must_use]
    pub fn effect_counts(&self, input: usize, kind: usize) -> [u64; CountClass::COUNT] {
        let mut counts = effects::counts_of(&self.effects, input, kind);
        let committed = self.inputs.get(input).map_or(0, |input| input.committed);
        let with = counts.iter().sum::<u64>();
        if let Some(none) = counts.first_mut() {
            *none = committed.saturating_sub(with);
        }
        counts
    }

    /// The index of an input; creates it, or returns that of all others.
    fn input(&mut self, id: InputId) -> usize {
        if let Some(known) = self.inputs.iter().position(|input| input.id == Some(id)) {
            return known;
        }
        if self.inputs.len() < INPUTS_MAX {
            let id = (self.inputs.len() + 1 < INPUTS_MAX).then_some(id);
            self.inputs.push(Input { id, ..Input::default() });
        }
        self.inputs.len().saturating_sub(1)
    }

    /// The index of a kind of effect; creates it while there is room.
    fn kind(&mut self, kind: EffectKind<&str>) -> Option<usize> {
        let kind = kind.bounded();
        if let Some(known) = self.kinds.iter().position(|known| known.as_ref() == kind) {
            return Some(known);
        }
        (self.kinds.len() < KINDS_MAX).then(|| {
            self.kinds.push(kind.to_owned());
            self.kinds.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(effects: Vec<EffectKind<&str>>) -> Observation<'_> {
        Observation { input: InputId::of("lead"), outcome: Outcome::Committed, own_us: 3_000, effects }
    }

    #[test]
    fn a_record_counts_effects_of_each_size() {
        let mut record = TrackRecord::of(Generation(1));
        let (lead, crm) = (EffectKind::Event("lead"), EffectKind::Request("crm.example"));
        record.observe(&committed(vec![]));
        record.observe(&committed(vec![lead, crm]));
        record.observe(&committed(vec![crm, crm]));
        record.observe(&Observation { outcome: Outcome::Crashed, ..committed(vec![]) });
        assert_eq!((record.events, record.failed, record.crashed), (4, 1, 1));
        assert_eq!(record.kinds.len(), 2);
        assert_eq!(record.effect_counts(0, 0)[..3], [2, 1, 0]);
        assert_eq!(record.effect_counts(0, 1)[..3], [1, 1, 1]);
        let sizes: Vec<_> = record.recent.iter().map(|recent| recent.effects_of(1)).collect();
        assert_eq!(sizes, [0, 1, 2, 0].map(CountClass::of));
    }

    #[test]
    fn a_record_stays_within_its_bounds() {
        let mut record = TrackRecord::of(Generation(1));
        let long = "x".repeat(10_000);
        for number in 0..2_000_u32 {
            let names: Vec<String> = (0..40).map(|kind| format!("{}{long}", number * 40 + kind)).collect();
            let effects = names.iter().map(|name| EffectKind::Event(name.as_str())).collect();
            let input = InputId(u16::try_from(number).unwrap_or_default());
            record.observe(&Observation { input, ..committed(effects) });
            record.observe_answer(&names[0], true);
            record.answered(&names[0]);
        }
        assert_eq!((record.recent.len(), record.inputs.len(), record.kinds.len()), (RECENT_MAX, INPUTS_MAX, KINDS_MAX));
        assert_eq!((record.answers.len(), record.targets.len()), (KINDS_MAX, TARGETS_MAX));
        assert!(record.effects.len() <= INPUTS_MAX * KINDS_MAX);
        assert!(record.kinds.iter().all(|kind| kind.name().len() <= 128));
        assert_eq!(record.inputs.iter().map(|input| input.events).sum::<u64>(), 2_000, "none is left out");
    }
}
