//! The request budget of one target: a token bucket and a daily quota. Pure: callers pass the time.

use handoff_model::time::Timestamp;

use handoff_policy::egress::HostOptions;

const DAY_MS: u64 = 24 * 3_600_000;

/// The budget of one target.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Requests per millisecond and the burst size; none means no bucket.
    bucket: Option<(f64, f64)>,
    tokens: f64,
    filled_at: Timestamp,
    daily: Option<u64>,
    day: u64,
    used_today: u64,
}

impl Budget {
    /// A full bucket.
    #[must_use]
    pub fn new(options: &HostOptions, now: Timestamp) -> Self {
        let burst = f64::from(options.burst.max(1));
        Self {
            bucket: options.requests_per_second.map(|rate| (rate / 1_000.0, burst)),
            tokens: burst,
            filled_at: now,
            daily: options.daily,
            day: now.0 / DAY_MS,
            used_today: 0,
        }
    }

    /// Milliseconds until the next request is allowed; 0 means now. Consumes nothing.
    pub fn wait_ms(&mut self, now: Timestamp) -> u64 {
        self.advance(now);
        if self.daily.is_some_and(|daily| self.used_today >= daily) {
            return DAY_MS - now.0 % DAY_MS;
        }
        match self.bucket {
            // Tolerate one thousandth of a request: sums of fractions are not exact.
            Some((per_ms, _)) if self.tokens < 0.999 => whole_ms((1.0 - self.tokens) / per_ms).max(1),
            _ => 0,
        }
    }

    /// Whether the budget of the day is used up.
    pub fn is_spent(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        self.daily.is_some_and(|daily| self.used_today >= daily)
    }

    /// Consumes one request from the budget.
    pub fn take(&mut self, now: Timestamp) {
        self.advance(now);
        self.tokens -= 1.0;
        self.used_today = self.used_today.saturating_add(1);
    }

    fn advance(&mut self, now: Timestamp) {
        if let Some((per_ms, burst)) = self.bucket {
            // A clock that was set back adds nothing; a long pause adds no more than the burst.
            let elapsed = u32::try_from(now.since_ms(self.filled_at)).unwrap_or(u32::MAX);
            self.tokens = (self.tokens + f64::from(elapsed) * per_ms).min(burst);
        }
        self.filled_at = now;
        let day = now.0 / DAY_MS;
        if day != self.day {
            self.day = day;
            self.used_today = 0;
        }
    }
}

/// Rounds up; at most a day.
fn whole_ms(ms: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(ms.ceil() / 1_000.0)
        .ok()
        .and_then(|duration| u64::try_from(duration.as_millis()).ok())
        .unwrap_or(DAY_MS)
        .min(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_allows_its_burst_then_its_rate() {
        let options = HostOptions { requests_per_second: Some(2.0), burst: 3, ..HostOptions::default() };
        let start = Timestamp(1_000_000);
        let mut budget = Budget::new(&options, start);
        for _ in 0..3 {
            assert_eq!(budget.wait_ms(start), 0);
            budget.take(start);
        }
        assert_eq!(budget.wait_ms(start), 500);
        assert_eq!(budget.wait_ms(start.plus_ms(400)), 100);
        assert_eq!(budget.wait_ms(start.plus_ms(500)), 0);
        budget.take(start.plus_ms(500));
        assert_eq!(budget.wait_ms(start.plus_ms(500)), 500);
        let much_later = start.plus_ms(DAY_MS * 400);
        for _ in 0..3 {
            assert_eq!(budget.wait_ms(much_later), 0);
            budget.take(much_later);
        }
        assert_eq!(budget.wait_ms(much_later), 500);
        assert_eq!(budget.wait_ms(start), 500, "a clock that was set back must add nothing");
    }

    #[test]
    fn a_daily_quota_resets_with_the_day() {
        let options = HostOptions { daily: Some(2), ..HostOptions::default() };
        let noon = Timestamp(DAY_MS * 20_000 + DAY_MS / 2);
        let mut budget = Budget::new(&options, noon);
        budget.take(noon);
        assert_eq!(budget.wait_ms(noon), 0);
        budget.take(noon);
        assert_eq!(budget.wait_ms(noon), DAY_MS / 2);
        assert_eq!(budget.wait_ms(noon.plus_ms(DAY_MS / 2)), 0);
    }
}
