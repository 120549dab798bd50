//! When a failed attempt is retried: exponential back-off with full jitter, bounded.
//!
//! Full jitter (a uniformly random part of the exponential bound) spreads the retries of many failed deliveries best;
//! see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

use rand::Rng;

use handoff_model::time::Timestamp;

/// Bounds of a series of retries, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) base_ms: u64,
    pub(super) cap_ms: u64,
}

impl Backoff {
    /// When to retry after failure number `attempt` (1 for the first), not before `after_ms` from now.
    pub(super) fn next(self, random: &mut impl Rng, now: Timestamp, attempt: u32, after_ms: Option<u64>) -> Timestamp {
        let doublings = attempt.saturating_sub(1).min(32);
        let bound = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let pause = random.random_range(0..=bound);
        now.plus_ms(pause.max(after_ms.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_never_undercut_what_was_asked_for() {
        let mut random = ChaCha12Rng::seed_from_u64(1);
        let backoff = Backoff { base_ms: 500, cap_ms: 60_000 };
        let now = Timestamp(1_000_000);
        for attempt in 1..60 {
            let bound = 500_u64.saturating_mul(1 << (attempt - 1).min(20)).min(60_000);
            let pauses: Vec<u64> =
                (0..200).map(|_| backoff.next(&mut random, now, attempt, None).since_ms(now)).collect();
            assert!(pauses.iter().all(|pause| *pause <= bound), "attempt {attempt}");
            assert!(pauses.iter().any(|pause| *pause > bound / 2), "attempt {attempt} uses the whole range");
            assert!(pauses.iter().any(|pause| *pause < bound / 2), "attempt {attempt} uses the whole range");
        }
        assert_eq!(backoff.next(&mut random, now, 1, Some(90_000)).since_ms(now), 90_000);
    }
}
