//! Good and bad upgrades, simulated with the traffic of a dealership. Every random choice has a seed.

use handoff_model::limits::ProbationLimits;
use handoff_model::names::Generation;
use handoff_model::track_record::{EffectKind, InputId, Observation, Outcome, TrackRecord};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use super::{Evidence, Expected, Rule, Standing};

const CRM: &str = "crm.example";
const DEADLINE_MS: f64 = 5_000.0;
const TYPES: [&str; 4] = ["lead.received.v1", "repair-order.closed.v1", "outbox.answered.v1", "inventory.changed.v1"];

/// How a version behaves wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Crash,
    CrashOneIn(u32),
    Slow,
    Silent,
    Doubled,
    Refused,
}

/// What is usual at a dealership.
struct Dealership {
    random: ChaCha12Rng,
    rejects: f64,
    crashes: f64,
    refusals: f64,
    /// How often an outage begins.
    outages: f64,
    typical_ms: f64,
    /// How often each type of event arrives.
    mix: [f64; 4],
    /// How many items a repair order may have.
    items: u32,
    /// Deliveries until the present phase of the day ends.
    phase: u32,
    /// Deliveries until a burst of unusable events ends.
    burst: u32,
    /// Deliveries during which the target of look-ups is away.
    outage: u32,
}

impl Dealership {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        Self {
            rejects: random.random_range(0.0..0.07),
            crashes: random.random_range(0.0..0.002),
            refusals: random.random_range(0.0..0.06),
            outages: 1.0 / 300.0,
            typical_ms: 10_f64.powf(random.random_range(-0.5..1.3)),
            mix: [1.0, 0.5, 1.0, 0.2],
            items: random.random_range(1..8),
            phase: 0,
            burst: 0,
            outage: 0,
            random,
        }
    }

    /// The same traffic all day, and no outages.
    fn steady(seed: u64) -> Self {
        Self { phase: u32::MAX, outages: 0.0, ..Self::new(seed) }
    }

    fn good(&mut self, record: &mut TrackRecord, deliveries: u64) {
        for _ in 0..deliveries {
            self.deliver(record, Fault::None);
        }
    }

    /// One delivery, with all that it leads to. Returns whether the fault changed it.
    fn deliver(&mut self, record: &mut TrackRecord, fault: Fault) -> bool {
        self.pass();
        let total: f64 = self.mix.iter().sum();
        let mut at = self.random.random_range(0.0..total);
        let input = self.mix.iter().position(|share| {
            at -= share;
            at < 0.0
        });
        let input = input.unwrap_or(0);
        if self.outage > 0 && input == 0 && self.random.random_bool(0.9) {
            record.excused += 1;
            return false;
        }
        let mut own_ms = self.duration_ms(input);
        let mut outcome = match self.random.random::<f64>() {
            share if share < self.crashes => Outcome::Crashed,
            share if share < self.crashes + self.rejects || self.burst > 0 => Outcome::Failed,
            _ => Outcome::Committed,
        };
        let usual = self.effects(input);
        let mut effects = usual.clone();
        let mut is_bad = false;
        match fault {
            Fault::Crash => (outcome, is_bad) = (Outcome::Crashed, true),
            Fault::CrashOneIn(count) if self.random.random_ratio(1, count) => {
                (outcome, is_bad) = (Outcome::Crashed, true);
            }
            Fault::Slow => (own_ms, is_bad) = (own_ms * 100.0 + 1_000.0, true),
            Fault::Silent => {
                effects.retain(|effect| matches!(effect, EffectKind::Event(_)));
                // Other events lead to a request only sometimes.
                is_bad = input == 0 && effects.len() < usual.len();
            }
            Fault::Doubled => {
                effects.extend(usual.iter().filter(|effect| !matches!(effect, EffectKind::Event(_))).copied());
                is_bad = input == 0 && effects.len() > usual.len();
            }
            Fault::None | Fault::CrashOneIn(_) | Fault::Refused => {}
        }
        if own_ms > DEADLINE_MS {
            (own_ms, outcome) = (DEADLINE_MS, Outcome::Crashed);
        }
        if outcome != Outcome::Committed {
            effects.clear();
            is_bad &= !matches!(fault, Fault::Silent | Fault::Doubled);
        }
        let sends = effects.iter().filter(|effect| **effect == EffectKind::AnyRequest).count();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a simulated duration")]
        let own_us = (own_ms * 1_000.0) as u64;
        record.observe(&Observation { input: InputId::of(TYPES[input]), outcome, own_us, effects });
        // Failed attempts are mostly repeated with success.
        record.finished += 1;
        record.given_up += u64::from(outcome == Outcome::Crashed || (self.burst > 0 && outcome == Outcome::Failed));
        for _ in 0..sends {
            let is_refused = fault == Fault::Refused || self.random.random_bool(self.refusals);
            record.observe_answer(CRM, is_refused);
            is_bad |= fault == Fault::Refused;
        }
        is_bad
    }

    /// The day goes on: the traffic changes, unusable events come in bursts, targets are away for a while.
    fn pass(&mut self) {
        if self.phase == 0 {
            self.phase = self.random.random_range(20..200);
            self.mix = std::array::from_fn(|_| self.random.random_range(0.0..1.0_f64).powi(3) + 0.01);
        }
        self.phase -= 1;
        self.burst = self.burst.saturating_sub(1);
        self.outage = self.outage.saturating_sub(1);
        if self.random.random_ratio(1, 150) {
            self.burst = self.random.random_range(1..=3);
        }
        if self.random.random_bool(self.outages) {
            self.outage = self.random.random_range(1..80);
        }
    }

    /// Long tails, and an inventory file that takes long.
    fn duration_ms(&mut self, input: usize) -> f64 {
        let factor = [1.0, 2.0, 0.3, 20.0][input];
        let normal: f64 = (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0;
        self.typical_ms * factor * (0.6 * normal).exp()
    }

    fn effects(&mut self, input: usize) -> Vec<EffectKind<&'static str>> {
        let requests = |count: usize| {
            let one = [EffectKind::AnyRequest, EffectKind::Request(CRM)];
            one.into_iter().cycle().take(2 * count)
        };
        match input {
            0 => requests(1).chain([EffectKind::Event("lead.identified.v1")]).collect(),
            1 => {
                let items = usize::try_from(self.random.random_range(1..=self.items)).unwrap_or(1);
                std::iter::repeat_n(EffectKind::Event("survey.due.v1"), items).collect()
            }
            2 if self.random.random_bool(0.7) => vec![EffectKind::Event("lead.listed.v1")],
            2 => Vec::new(),
            _ if self.random.random_bool(0.4) => requests(1).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a probation of some deliveries finds, and how many bad events there were by then.
fn probation(seed: u64, before: u64, deliveries: u64, fault: Fault) -> (Option<Evidence>, u64, Standing) {
    at(Dealership::new(seed), before, deliveries, fault)
}

fn at(mut dealership: Dealership, before: u64, deliveries: u64, fault: Fault) -> (Option<Evidence>, u64, Standing) {
    let mut baseline = TrackRecord::of(Generation(1));
    dealership.good(&mut baseline, before);
    let expected = Expected::after(&baseline, &ProbationLimits::default(), |_| true);
    let (mut now, mut bad) = (TrackRecord::of(Generation(2)), 0);
    for _ in 0..deliveries {
        bad += u64::from(dealership.deliver(&mut now, fault));
        if let Some(evidence) = expected.judge(&now, 0) {
            return (Some(evidence), bad, Standing::FewDeliveries);
        }
    }
    (None, bad, expected.standing(&now))
}

#[test]
fn a_thousand_good_upgrades_are_never_rolled_back() {
    let mut clear = 0;
    for seed in 0..1_000 {
        let deliveries = [220, 400, 800, 2_000][usize::try_from(seed % 4).unwrap_or(0)];
        let (found, _, standing) = probation(seed, 200 + seed % 300, deliveries, Fault::None);
        assert_eq!(found, None, "seed {seed}");
        clear += u32::from(standing == Standing::Clear);
    }
    assert!(clear >= 850, "{clear} of 1,000 passed");
}

#[test]
fn faults_of_every_event_are_found_within_ten_bad_events() {
    let faults = [
        (Fault::Crash, Rule::Crashes),
        (Fault::Slow, Rule::Latency),
        (Fault::Silent, Rule::MissingRequests),
        (Fault::Doubled, Rule::MoreRequests),
        (Fault::Refused, Rule::RefusedRequests),
    ];
    for (fault, rule) in faults {
        for seed in 0..200 {
            let (found, bad, _) = at(Dealership::steady(seed), 200, 2_000, fault);
            let found = found.unwrap_or_else(|| panic!("{fault:?}, seed {seed}: nothing found after {bad}"));
            assert!(bad <= 10, "{fault:?}, seed {seed}: {bad} bad events: {found:?}");
            let is_expected = found.rule == rule || (fault == Fault::Slow && found.rule == Rule::Crashes);
            assert!(is_expected, "{fault:?}, seed {seed}: {found:?}");
        }
    }
}

#[test]
fn a_crash_of_one_event_in_fifty_is_found_within_a_hundred() {
    let mut all: Vec<u64> = (0..200)
        .map(|seed| {
            // One crash in the baseline would leave open whether one in fifty is new.
            let dealership = Dealership { crashes: 0.0, ..Dealership::new(seed) };
            let (found, bad, _) = at(dealership, 200, 20_000, Fault::CrashOneIn(50));
            assert!(found.is_some(), "seed {seed}: nothing found after {bad}");
            bad
        })
        .collect();
    all.sort_unstable();
    assert!(all.last().is_some_and(|most| *most <= 100), "{all:?}");
}

/// A version that is good for a thousand deliveries and then crashes each time.
#[test]
fn a_version_that_turns_bad_later_is_found_as_well() {
    for seed in 0..50 {
        let mut dealership = Dealership::new(seed);
        let mut baseline = TrackRecord::of(Generation(1));
        dealership.good(&mut baseline, 200);
        let expected = Expected::after(&baseline, &ProbationLimits::default(), |_| true);
        let mut now = TrackRecord::of(Generation(2));
        dealership.good(&mut now, 1_000);
        assert_eq!(expected.judge(&now, 0), None, "seed {seed}");
        let found = (1..=20).find(|_| {
            dealership.deliver(&mut now, Fault::Crash);
            expected.judge(&now, 0).is_some()
        });
        assert!(found.is_some_and(|deliveries| deliveries <= 10), "seed {seed}: {found:?}");
    }
}

#[test]
fn too_few_deliveries_are_not_judged() {
    assert_eq!(probation(1, 200, 199 - 40, Fault::None).2, Standing::FewDeliveries);
    assert_eq!(probation(1, 30, 400, Fault::None).2, Standing::FewBefore);
    let (found, bad, _) = probation(1, 0, 40, Fault::Crash);
    assert_eq!((found, bad), (None, 40), "there is nothing to compare with");
}

fn lead(effects: &[EffectKind<&'static str>]) -> Observation<'static> {
    let input = InputId::of(TYPES[0]);
    Observation { input, outcome: Outcome::Committed, own_us: 3_000, effects: effects.to_vec() }
}

fn observed(generation: u64, count: usize, effects: &[EffectKind<&'static str>]) -> TrackRecord {
    let mut record = TrackRecord::of(Generation(generation));
    (0..count).for_each(|_| record.observe(&lead(effects)));
    record
}

#[test]
fn what_a_version_does_instead_is_not_missed() {
    let old = observed(1, 200, &[EffectKind::AnyRequest, EffectKind::Request(CRM), EffectKind::Event("a.v1")]);
    let expected = Expected::after(&old, &ProbationLimits::default(), |_| true);
    let judged = |effects: &[EffectKind<&'static str>]| {
        expected.judge(&observed(2, 100, effects), 0).map(|evidence| (evidence.rule, evidence.subject))
    };
    let moved = [EffectKind::AnyRequest, EffectKind::Request("new.example"), EffectKind::Event("a.v2")];
    assert_eq!(judged(&moved), None);
    let silent = [EffectKind::AnyRequest, EffectKind::Request(CRM)];
    assert_eq!(judged(&silent), Some((Rule::MissingEvents, Some("a.v1".to_owned()))));
    assert_eq!(judged(&moved[2..]), Some((Rule::MissingRequests, None)));
    let granted = Expected::after(&old, &ProbationLimits::default(), |type_name| type_name != "a.v1");
    assert_eq!(granted.judge(&observed(2, 100, &silent), 0), None, "it may not emit that any more");
}

#[test]
fn unfinished_deliveries_count_as_slow() {
    let old = observed(1, 200, &[]);
    let expected = Expected::after(&old, &ProbationLimits::default(), |_| true);
    assert_eq!(expected.overdue_us(), Some(500_000));
    let now = observed(2, 3, &[]);
    assert_eq!(expected.judge(&now, 1), None, "one is stuck");
    let found = expected.judge(&now, 12).map(|evidence| (evidence.rule, evidence.running, evidence.bad, evidence.of));
    assert_eq!(found, Some((Rule::Latency, 12, 12, 15)));
}

#[test]
fn a_new_target_that_refuses_everything_is_found() {
    let old = observed(1, 200, &[]);
    let expected = Expected::after(&old, &ProbationLimits::default(), |_| true);
    let mut now = observed(2, 10, &[]);
    (0..10).for_each(|_| now.observe_answer("wrong.example", true));
    assert_eq!(expected.judge(&now, 0).map(|evidence| evidence.rule), Some(Rule::RefusedRequests));
}
