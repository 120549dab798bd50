//! A sequential test of a rate: has it grown above a bound? It may be asked after every delivery without more false
//! alarms. Knows neither deliveries nor clocks.
//!
//! Let `p0` be the highest rate that is acceptable, `k` the bad ones among `n`, and `p1 … pm` higher rates. If the true
//! rate is at most `p0`, then for every `j` the likelihood ratio
//!
//! ```text
//! L_j(k, n) = (p_j / p0)^k · ((1 − p_j) / (1 − p0))^(n − k)
//! ```
//!
//! is a nonnegative supermartingale that starts at 1 (A. Wald, *Sequential Tests of Statistical Hypotheses*, Annals of
//! Mathematical Statistics 16, 1945). So is every weighted mean, over `j` and over the delivery `s` from which on it
//! counts, because a test that starts later is 1 until then:
//!
//! ```text
//! E = Σ_j 1/m · ( 1/2 · L_j(all)  +  Σ_{s ≥ 1} 1/2 · 1/(s·(s+1)) · L_j(from s on) )
//! ```
//!
//! By Ville's inequality (J. Ville, *Étude critique de la notion de collectif*, 1939; A. Ramdas, P. Grünwald, V. Vovk and
//! G. Shafer, *Game-Theoretic Statistics and Safe Anytime-Valid Inference*, Statistical Science 38, 2023) the chance that
//! `E` ever reaches `1/α` is at most `α`, however often one looks. The test compares the single terms of `E` with `1/α`:
//! each is at most `E`. Starting points other than the beginning find a version that turns bad later.

/// Factors between the acceptable rate and higher ones, for rates far below one.
const FACTORS: [f64; 3] = [2.0, 4.0, 8.0];
/// Higher rates in absolute terms. The last one is below 1, so that a single good delivery refutes nothing.
const ABSOLUTE: [f64; 4] = [0.25, 0.5, 0.75, 0.98];
/// An alternative must exceed the bound by this factor to be worth its share of the weight.
const FACTOR_MIN: f64 = 1.3;

/// A test of one rate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RateTest {
    acceptable: f64,
    /// `ln(p_j / p0)` and `ln((1 − p_j) / (1 − p0))`.
    alternatives: Vec<(f64, f64)>,
}

/// Bad ones among the newest of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) bad: u64,
    pub(super) of: u64,
}

impl Sample {
    pub(super) fn add(&mut self, is_bad: bool) {
        self.bad += u64::from(is_bad);
        self.of += 1;
    }

    pub(super) fn rate(self) -> f64 {
        number(self.bad) / number(self.of.max(1))
    }
}

impl RateTest {
    /// A test against an acceptable rate. It never rejects a rate near 1.
    pub(super) fn of(acceptable: f64) -> Self {
        let acceptable = acceptable.clamp(1e-6, 1.0);
        let higher = FACTORS.iter().map(|factor| factor * acceptable).chain(ABSOLUTE);
        let higher = higher.filter(|rate| *rate > FACTOR_MIN * acceptable && *rate < 1.0);
        let alternatives =
            higher.map(|rate| ((rate / acceptable).ln(), ((1.0 - rate) / (1.0 - acceptable)).ln())).collect();
        Self { acceptable, alternatives }
    }

    /// The highest acceptable rate.
    pub(super) fn acceptable(&self) -> f64 {
        self.acceptable
    }

    /// The logarithm of the evidence against the acceptable rate, from all of a sequence.
    pub(super) fn of_all(&self, all: Sample) -> f64 {
        self.log_evidence(all) + 0.5_f64.ln()
    }

    /// The same from the newest of a sequence that has `before` older ones.
    pub(super) fn of_newest(&self, newest: Sample, before: u64) -> f64 {
        let start = number(before.max(1));
        self.log_evidence(newest) + 0.5_f64.ln() - (start * (start + 1.0)).ln()
    }

    /// The largest term over the alternatives: a sum of few terms is hardly larger.
    fn log_evidence(&self, sample: Sample) -> f64 {
        let (bad, good) = (number(sample.bad), number(sample.of.saturating_sub(sample.bad)));
        let terms = self.alternatives.iter().map(|(up, down)| bad * up + good * down);
        let largest = terms.fold(f64::NEG_INFINITY, f64::max);
        largest - number(self.alternatives.len().max(1).try_into().unwrap_or(u64::MAX)).ln()
    }
}

/// Counts are far too small to lose precision.
pub(super) fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha12Rng;

    use super::*;

    /// How many bad ones in a row are needed for odds of 1 to 10,000.
    fn needed(acceptable: f64) -> u64 {
        let test = RateTest::of(acceptable);
        (1..1_000).find(|count| test.of_all(Sample { bad: *count, of: *count }) > 10_000_f64.ln()).unwrap_or(u64::MAX)
    }

    #[test]
    fn few_in_a_row_are_enough_unless_the_rate_was_high() {
        assert_eq!([0.005, 0.1, 0.25, 0.5].map(needed), [3, 6, 9, 16]);
        assert_eq!(needed(0.99), u64::MAX);
    }

    #[test]
    fn the_evidence_is_that_of_the_formula() {
        let test = RateTest::of(0.1);
        // 0.8 is the best of the seven alternatives: (0.8 / 0.1)^8 · (0.2 / 0.9)^2 / 7 / 2.
        let expected = 8.0 * 8.0_f64.ln() + 2.0 * (0.2_f64 / 0.9).ln() - 7.0_f64.ln() - 2.0_f64.ln();
        assert!((test.of_all(Sample { bad: 8, of: 10 }) - expected).abs() < 1e-9);
        let later = expected - (50.0 * 51.0_f64).ln();
        assert!((test.of_newest(Sample { bad: 8, of: 10 }, 50) - later).abs() < 1e-9);
    }

    /// At the acceptable rate itself, which is the worst case, looking after each of 2,000 deliveries.
    #[test]
    fn false_alarms_stay_below_their_bound_however_often_one_looks() {
        let mut random = ChaCha12Rng::seed_from_u64(7);
        let (test, runs, alpha) = (RateTest::of(0.05), 2_000, 0.01_f64);
        let is_false_alarm = |_: &u32| {
            let (mut all, mut newest) = (Sample::default(), Sample::default());
            (0..2_000_u64).any(|number| {
                let is_bad = random.random_bool(0.05);
                all.add(is_bad);
                newest.add(is_bad);
                if newest.of > 50 {
                    newest = Sample::default();
                }
                let before = number + 1 - newest.of;
                test.of_all(all).max(test.of_newest(newest, before)) > -alpha.ln()
            })
        };
        let alarms = (0..runs).filter(is_false_alarm).count();
        assert!(alarms <= 20, "{alarms} of {runs}");
    }
}
