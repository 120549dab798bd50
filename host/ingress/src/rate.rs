//! Token buckets: rate limits per client or webhook. Memory is bounded whatever clients do; it reads no clock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use handoff_model::time::Timestamp;

/// Tokens are counted in thousandths, so that slow rates do not round to nothing.
const MILLI: u64 = 1_000;

/// The size and rate of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Sustained requests per second.
    pub per_second: u32,
    /// Burst size in requests.
    pub burst: u32,
}

/// One bucket per key.
#[derive(Debug)]
pub struct RateLimiter<K> {
    rate: Rate,
    buckets_max: usize,
    buckets: HashMap<K, Bucket>,
    // Shared by all keys for which there is no room. Many keys at once are an attack or a crowd.
    overflow: Bucket,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    millitokens: u64,
    at: Timestamp,
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// An empty limiter with at most `buckets_max` buckets.
    #[must_use]
    pub fn new(rate: Rate, buckets_max: usize, now: Timestamp) -> Self {
        let overflow = Bucket { millitokens: u64::from(rate.burst) * MILLI, at: now };
        Self { rate, buckets_max, buckets: HashMap::new(), overflow }
    }

    /// Takes one token. `Err` is the number of milliseconds until the next one.
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
            // A full bucket carries no information: it can be created again.
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

    /// Number of buckets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether there are no buckets.
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
        // Tokens per second are millitokens per millisecond.
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
        assert_eq!(limiter.take("a", Timestamp(100)), Err(500), "the clock was set back");
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
