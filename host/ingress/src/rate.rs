//! Token buckets: how much one client or one webhook may bring. Bounded in memory whatever clients do; reads no clock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use handoff_model::time::Timestamp;

/// Tokens are counted in thousandths, so that slow rates do not round to nothing.
const MILLI: u64 = 1_000;

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// One bucket for each key.
#[derive(Debug)]
pub struct RateLimiter<K> {
    rate: Rate,
    buckets_max: usize,
    buckets: HashMap<K, Bucket>,
    // Serves all keys that find no room. Many keys at once are an attack or a crowd: both share one budget then.
    overflow: Bucket,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    millitokens: u64,
    at: Timestamp,
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// An empty limiter that keeps at most so many buckets.
    #[must_use]
    pub fn new(rate: Rate, buckets_max: usize, now: Timestamp) -> Self {
        let overflow = Bucket { millitokens: u64::from(rate.burst) * MILLI, at: now };
        Self { rate, buckets_max, buckets: HashMap::new(), overflow }
    }

    /// Takes one token. `Err` says after how many milliseconds there is one again.
    pub fn take<Q>(&mut self, key: &Q, now: Timestamp) -> Result<(), u64>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let rate = self.rate;
        if let Some(bucket) = self.buckets.get_mut(key) {
            return bucket.take(rate, now);
        }
        if self.buckets.len() >= self.buckets_max {
            // A full bucket says nothing: it can be made again.
            self.buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        if self.buckets.len() >= self.buckets_max {
            return self.overflow.take(rate, now);
        }
        let mut bucket = Bucket { millitokens: u64::from(rate.burst) * MILLI, at: now };
        let taken = bucket.take(rate, now);
        self.buckets.insert(key.to_owned(), bucket);
        taken
    }

    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), u64> {
        self.millitokens = self.filled(rate, now);
        // A clock that was set back must not freeze the bucket.
        self.at = now;
        if self.millitokens >= MILLI {
            self.millitokens -= MILLI;
            return Ok(());
        }
        // Tokens a second are millitokens a millisecond.
        Err((MILLI - self.millitokens).div_ceil(u64::from(rate.per_second.max(1))))
    }

    fn filled(&self, rate: Rate, now: Timestamp) -> u64 {
        let gained = now.since_ms(self.at).saturating_mul(u64::from(rate.per_second));
        self.millitokens.saturating_add(gained).min(u64::from(rate.burst) * MILLI)
    }

    fn is_full(&self, rate: Rate, now: Timestamp) -> bool {
        self.filled(rate, now) >= u64::from(rate.burst) * MILLI
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2, burst: 3 };

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut limiter = RateLimiter::<String>::new(RATE, 10, Timestamp(0));
        for _ in 0..3 {
            assert_eq!(limiter.take("a", Timestamp(0)), Ok(()));
        }
        assert_eq!(limiter.take("a", Timestamp(0)), Err(500));
        assert_eq!(limiter.take("b", Timestamp(0)), Ok(()), "keys do not share");
        assert_eq!(limiter.take("a", Timestamp(499)), Err(1));
        assert_eq!(limiter.take("a", Timestamp(500)), Ok(()));
        assert_eq!(limiter.take("a", Timestamp(100)), Err(500), "a clock set back");
        assert_eq!(limiter.take("a", Timestamp(600)), Ok(()));
    }

    #[test]
    fn many_keys_share_one_budget_and_no_memory() {
        let mut limiter = RateLimiter::<String>::new(RATE, 100, Timestamp(0));
        let passed = (0..10_000).filter(|n| limiter.take(n.to_string().as_str(), Timestamp(0)).is_ok()).count();
        assert_eq!(passed, 103);
        assert_eq!(limiter.len(), 100);
        assert_eq!(limiter.take("late", Timestamp(5_000)), Ok(()), "idle buckets make room");
        assert_eq!(limiter.len(), 1);
    }
}
