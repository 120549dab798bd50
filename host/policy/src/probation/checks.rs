//! The rates that are compared, each with its test: built from a baseline, then read from the record of the new generation.

use handoff_model::limits::ProbationLimits;
use handoff_model::track_record::{CountClass, DurationClass, EffectKind, InputId, Outcome, Recent, TrackRecord};

use super::Rule;
use super::rate::{RateTest, Sample, number};

/// Whether a delivery shows what is looked for; none if it says nothing about it.
type Observe<'a> = Box<dyn Fn(&Recent) -> Option<bool> + 'a>;

/// Fewer deliveries, in all or of an input, say nothing about what is usual for failures and durations.
const DELIVERIES_MIN: u64 = 10;
/// Fewer committed deliveries of an input say nothing about its usual effects.
const INPUT_DELIVERIES_MIN: u64 = 30;
/// An effect that fewer of the deliveries have is not expected.
const USUAL_SHARE: f64 = 0.5;
/// The share of deliveries that may be slow, or have more effects than usual, in a baseline.
const TAIL_SHARE: f64 = 0.05;
/// Standard deviations of an interval that contains a rate with a chance of 99.7 %.
const Z: f64 = 3.0;
/// A share of bad deliveries may grow by no more than this, however high it was.
const GROWTH_MAX: f64 = 0.15;
/// A new target may refuse this share of requests: there is nothing to compare it with.
const UNKNOWN_TARGET_FLOOR: f64 = 0.25;
/// The newest answers of a target that a record keeps.
const ANSWERS_NEWEST_MAX: usize = 64;

/// A bound on the duration of deliveries of an input, in milliseconds.
pub(super) type Bound = (InputId, f64);

/// What is bad about a delivery.
#[derive(Clone, Debug, PartialEq)]
enum Of {
    Crashed,
    Failed,
    GivenUp,
    Slow,
    /// A committed delivery of the input lacks the effect.
    Without(InputId, EffectKind),
    /// A committed delivery of the input has more of the effect than this class.
    More(InputId, EffectKind, CountClass),
    /// A request to the target was refused.
    Refused(String),
    /// A request to any target that the baseline does not know was refused.
    RefusedElsewhere(Vec<String>),
}

/// One rate with its test.
#[derive(Clone, Debug)]
pub(super) struct Check {
    of: Of,
    test: RateTest,
    before: Sample,
    /// Kinds of the baseline, to recognize new ones.
    known: Vec<EffectKind>,
}

/// The checks that a baseline allows.
pub(super) fn all_checks(
    baseline: &TrackRecord,
    limits: &ProbationLimits,
    bounds: &[Bound],
    emits: impl Fn(&str) -> bool,
) -> Vec<Check> {
    if baseline.events < DELIVERIES_MIN {
        return Vec::new();
    }
    let floor = number(limits.error_floor_percent) / 100.0;
    let factor = number(limits.error_factor);
    let crash_floor = number(limits.crash_floor_permille) / 1_000.0;
    let (totals, newest) = (|bad, of| Sample { bad, of }, |of: &Of| of.in_baseline(baseline, bounds));
    let mut checks = Vec::new();
    let mut add = |of: Of, before: Sample, floor: f64| {
        // A crash is never usual, and what is slow follows from the durations themselves. Everything else may have been as
        // frequent as the baseline can hide.
        let is_rare = matches!(of, Of::Crashed | Of::Slow);
        let floor = if is_rare { floor } else { floor.max(highest(before)) };
        let test = RateTest::of(acceptable(before, floor, factor));
        checks.push(Check { of, test, before, known: baseline.kinds.clone() });
    };
    // Crashes are rare: the whole record says more about them than the newest part.
    add(Of::Crashed, totals(baseline.crashed, baseline.events), crash_floor);
    let (all, recent) = (totals(baseline.failed, baseline.events), newest(&Of::Failed));
    add(Of::Failed, if recent.rate() > all.rate() { recent } else { all }, floor);
    add(Of::GivenUp, totals(baseline.given_up, baseline.finished), floor);
    if !bounds.is_empty() {
        add(Of::Slow, newest(&Of::Slow), TAIL_SHARE);
    }
    for input in baseline.inputs.iter().filter_map(|input| input.id) {
        for kind in &baseline.kinds {
            let without = Of::Without(input, kind.clone());
            let before = newest(&without);
            if before.of < INPUT_DELIVERIES_MIN || before.bad == before.of {
                continue;
            }
            let is_expected = match kind {
                EffectKind::Event(type_name) => emits(type_name),
                EffectKind::Request(_) | EffectKind::AnyRequest => true,
            };
            if is_expected && 1.0 - before.rate() >= USUAL_SHARE {
                add(without, before, floor);
            }
            if let Some((class, before)) = usual_most(baseline, bounds, input, kind) {
                add(Of::More(input, kind.clone(), class), before, floor);
            }
        }
    }
    for answers in &baseline.answers {
        add(Of::Refused(answers.target.clone()), totals(answers.refused, answers.ended), floor);
    }
    let known: Vec<String> = baseline.answers.iter().map(|answers| answers.target.clone()).collect();
    let elsewhere = RateTest::of(UNKNOWN_TARGET_FLOOR.max(floor));
    let of = Of::RefusedElsewhere(known);
    checks.push(Check { of, test: elsewhere, before: Sample::default(), known: Vec::new() });
    checks
}

/// The highest acceptable rate after a baseline.
fn acceptable(before: Sample, floor: f64, factor: f64) -> f64 {
    let rate = (number(before.bad) + 0.5) / (number(before.of) + 1.0);
    floor.max((factor * rate).min(rate + GROWTH_MAX))
}

/// The upper end of the interval that contains the rate behind a sample (Wilson, 1927).
fn highest(before: Sample) -> f64 {
    let (n, p, z2) = (number(before.of.max(1)), before.rate(), Z * Z);
    let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    (p + z2 / (2.0 * n) + spread) / (1.0 + z2 / n)
}

/// The class of counts that few deliveries of a baseline exceed, and how many do.
fn usual_most(
    baseline: &TrackRecord,
    bounds: &[Bound],
    input: InputId,
    kind: &EffectKind,
) -> Option<(CountClass, Sample)> {
    let classes = (1..CountClass::COUNT - 1).map(CountClass::at);
    let mut classes = classes.map(|class| (class, Of::More(input, kind.clone(), class).in_baseline(baseline, bounds)));
    classes.find(|(_, above)| above.rate() <= TAIL_SHARE)
}

/// How long deliveries of each input may take.
pub(super) fn latency_bounds(baseline: &TrackRecord, limits: &ProbationLimits) -> Vec<Bound> {
    let bound = |(index, id): (usize, InputId)| {
        let own = baseline.recent.iter().filter(|recent| usize::from(recent.input) == index);
        let durations: Vec<DurationClass> = own.map(|recent| recent.duration).collect();
        let is_enough = u64::try_from(durations.len()).unwrap_or(u64::MAX) >= DELIVERIES_MIN;
        let p95 = p95(durations.into_iter()).filter(|_| is_enough)?;
        Some((id, number(limits.latency_floor_ms).max(number(limits.latency_factor) * p95.end_ms())))
    };
    let inputs = baseline.inputs.iter().enumerate();
    inputs.filter_map(|(index, input)| Some((index, input.id?))).filter_map(bound).collect()
}

/// The 95th percentile.
pub(super) fn p95(durations: impl Iterator<Item = DurationClass>) -> Option<DurationClass> {
    let mut sorted: Vec<DurationClass> = durations.collect();
    sorted.sort_unstable();
    sorted.get((sorted.len() * 95).div_ceil(100).checked_sub(1)?).copied()
}

impl Sample {
    /// The same with more bad ones.
    pub(super) fn plus_bad(self, more: u64) -> Self {
        Self { bad: self.bad.saturating_add(more), of: self.of.saturating_add(more) }
    }
}

impl Check {
    pub(super) fn rule(&self) -> Rule {
        match &self.of {
            Of::Crashed => Rule::Crashes,
            Of::Failed => Rule::Failures,
            Of::GivenUp => Rule::DeadLetters,
            Of::Slow => Rule::Latency,
            Of::Without(_, EffectKind::Event(_)) => Rule::MissingEvents,
            Of::Without(..) => Rule::MissingRequests,
            Of::More(_, EffectKind::Event(_), _) => Rule::MoreEvents,
            Of::More(..) => Rule::MoreRequests,
            Of::Refused(_) | Of::RefusedElsewhere(_) => Rule::RefusedRequests,
        }
    }

    pub(super) fn subject(&self) -> Option<String> {
        match &self.of {
            Of::Crashed | Of::Failed | Of::GivenUp | Of::Slow | Of::RefusedElsewhere(_) => None,
            Of::Without(_, kind) | Of::More(_, kind, _) => Some(kind.name().to_owned()).filter(|name| !name.is_empty()),
            Of::Refused(target) => Some(target.clone()),
        }
    }

    pub(super) fn test(&self) -> &RateTest {
        &self.test
    }

    pub(super) fn before(&self) -> Sample {
        self.before
    }

    /// Whether an effect is not missed because the new generation has another one instead.
    pub(super) fn is_void(&self, now: &TrackRecord) -> bool {
        let Of::Without(_, kind) = &self.of else { return false };
        let is_alike = |other: &EffectKind| {
            matches!(
                (kind, other),
                (EffectKind::Event(_), EffectKind::Event(_)) | (EffectKind::Request(_), EffectKind::Request(_))
            )
        };
        now.kinds.iter().any(|other| is_alike(other) && !self.known.contains(other))
    }

    /// All deliveries of a record that the check is about.
    pub(super) fn all(&self, now: &TrackRecord, bounds: &[Bound]) -> Sample {
        match &self.of {
            Of::Crashed => Sample { bad: now.crashed, of: now.events },
            Of::Failed => Sample { bad: now.failed, of: now.events },
            Of::GivenUp => Sample { bad: now.given_up, of: now.finished },
            Of::Slow => all_slow(now, bounds),
            Of::Without(input, kind) => by_count(now, *input, kind, |class| class == CountClass::default()),
            Of::More(input, kind, most) => by_count(now, *input, kind, |class| class > *most),
            Of::Refused(target) => answered(now, |other| other == target),
            Of::RefusedElsewhere(known) => answered(now, |other| !known.contains(other)),
        }
    }

    /// The newest of them, for each of some ascending lengths; fewer if there are fewer deliveries.
    pub(super) fn newest(&self, now: &TrackRecord, bounds: &[Bound], lengths: &[usize]) -> Vec<Sample> {
        match &self.of {
            Of::Refused(target) => newest_answers(now, target, lengths),
            of => of.newest(now, bounds, lengths),
        }
    }
}

impl Of {
    fn newest(&self, record: &TrackRecord, bounds: &[Bound], lengths: &[usize]) -> Vec<Sample> {
        let (mut samples, mut sample) = (Vec::with_capacity(lengths.len()), Sample::default());
        let is_bad = self.in_record(record, bounds);
        for (number, recent) in (1..).zip(record.recent.iter().rev()) {
            if let Some(is_bad) = is_bad(recent) {
                sample.add(is_bad);
            }
            if lengths.contains(&number) {
                samples.push(sample);
            }
        }
        samples
    }

    /// All of the deliveries that a baseline keeps one by one.
    fn in_baseline(&self, baseline: &TrackRecord, bounds: &[Bound]) -> Sample {
        self.newest(baseline, bounds, &[baseline.recent.len()]).pop().unwrap_or_default()
    }

    /// Whether one of the newest deliveries of a record is bad; none if the check is not about it.
    fn in_record<'a>(&'a self, record: &'a TrackRecord, bounds: &'a [Bound]) -> Observe<'a> {
        match self {
            Self::Crashed => Box::new(|recent| Some(recent.outcome == Outcome::Crashed)),
            Self::Failed => Box::new(|recent| Some(recent.outcome != Outcome::Committed)),
            Self::Slow => Box::new(|recent| {
                let input = record.inputs.get(usize::from(recent.input))?.id?;
                let (_, bound) = bounds.iter().find(|(known, _)| *known == input)?;
                Some(recent.duration.is_longer_than(*bound))
            }),
            Self::Without(input, kind) => counted(record, *input, kind, |class| class == CountClass::default()),
            Self::More(input, kind, most) => counted(record, *input, kind, move |class| class > *most),
            // They end in another order than the deliveries.
            Self::GivenUp | Self::Refused(_) | Self::RefusedElsewhere(_) => Box::new(|_| None),
        }
    }
}

/// The answers of the targets with such a name.
fn answered(record: &TrackRecord, is_it: impl Fn(&String) -> bool) -> Sample {
    let answers = record.answers.iter().filter(|answers| is_it(&answers.target));
    answers
        .fold(Sample::default(), |all, answers| Sample { bad: all.bad + answers.refused, of: all.of + answers.ended })
}

fn newest_answers(record: &TrackRecord, target: &str, lengths: &[usize]) -> Vec<Sample> {
    let Some(answers) = record.answers.iter().find(|answers| answers.target == target) else { return Vec::new() };
    let lengths = lengths.iter().filter(|length| **length <= ANSWERS_NEWEST_MAX);
    let lengths =
        lengths.filter_map(|length| u32::try_from(*length).ok()).filter(|length| u64::from(*length) <= answers.ended);
    let sample = |length: u32| {
        let mask = 1_u64.checked_shl(length).map_or(u64::MAX, |bit| bit - 1);
        Sample { bad: u64::from((answers.newest & mask).count_ones()), of: u64::from(length) }
    };
    lengths.map(sample).collect()
}

/// Judges committed deliveries of an input by their count of an effect.
fn counted<'a>(
    record: &'a TrackRecord,
    input: InputId,
    kind: &'a EffectKind,
    is_bad: impl Fn(CountClass) -> bool + 'a,
) -> Observe<'a> {
    let input = input_of(record, input);
    let kind = kind_of(record, kind);
    Box::new(move |recent| {
        let is_its = Some(usize::from(recent.input)) == input && recent.outcome == Outcome::Committed;
        is_its.then(|| is_bad(kind.map(|kind| recent.effects_of(kind)).unwrap_or_default()))
    })
}

/// The same for all committed deliveries.
fn by_count(record: &TrackRecord, input: InputId, kind: &EffectKind, is_bad: impl Fn(CountClass) -> bool) -> Sample {
    let Some(input) = input_of(record, input) else { return Sample::default() };
    // An index beyond the last one: nothing was counted.
    let counts = record.effect_counts(input, kind_of(record, kind).unwrap_or(usize::MAX));
    counts.iter().enumerate().fold(Sample::default(), |sample, (class, count)| {
        let bad = if is_bad(CountClass::at(class)) { *count } else { 0 };
        Sample { bad: sample.bad + bad, of: sample.of + count }
    })
}

fn all_slow(record: &TrackRecord, bounds: &[Bound]) -> Sample {
    let own = record.inputs.iter().filter_map(|input| {
        let (_, bound) = bounds.iter().find(|(known, _)| Some(*known) == input.id)?;
        let slow = DurationClass::all().zip(&input.durations).filter(|(class, _)| class.is_longer_than(*bound));
        Some(Sample { bad: slow.map(|(_, count)| u64::from(*count)).sum(), of: input.events })
    });
    own.fold(Sample::default(), |all, own| Sample { bad: all.bad + own.bad, of: all.of + own.of })
}

fn input_of(record: &TrackRecord, id: InputId) -> Option<usize> {
    record.inputs.iter().position(|input| input.id == Some(id))
}

fn kind_of(record: &TrackRecord, kind: &EffectKind) -> Option<usize> {
    record.kinds.iter().position(|known| known == kind)
}
