//! A circuit breaker: stops requests to a target after several consecutive failures. Pure: callers pass the time.

use handoff_model::time::Timestamp;

use handoff_policy::egress::HostOptions;

/// A probe without a result is abandoned after this time.
const PROBE_MS: u64 = 150_000;
/// After this time without a probe, an open breaker says nothing about the target. Requests are tried again within an
/// hour.
const UNKNOWN_MS: u64 = 2 * 3_600_000;

/// The breaker of one target.
#[derive(Clone, Debug)]
pub struct Breaker {
    failures_to_open: u32,
    open_ms: u64,
    state: State,
    /// The target asked to wait until then.
    closed_until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Requests pass; the number of consecutive failures.
    Closed(u32),
    /// No request passes before this time, then one probe.
    Open(Timestamp),
    /// One probe has been running since this time.
    Probing(Timestamp),
}

impl Breaker {
    /// A closed breaker: requests pass.
    #[must_use]
    pub fn new(options: &HostOptions) -> Self {
        Self {
            failures_to_open: options.failures_to_open,
            open_ms: options.open_ms.max(1),
            state: State::Closed(0),
            closed_until: Timestamp(0),
        }
    }

    /// Milliseconds until a request may pass; 0 means now.
    #[must_use]
    pub fn wait_ms(&self, now: Timestamp) -> u64 {
        let asked = self.closed_until.since_ms(now);
        let own = match self.state {
            State::Closed(_) => 0,
            State::Open(until) => until.since_ms(now),
            // Not the whole probe time: it may end any moment.
            State::Probing(since) if now.since_ms(since) < PROBE_MS => self.open_ms.min(1_000),
            State::Probing(_) => 0,
        };
        asked.max(own)
    }

    /// Whether the target's failures have opened the breaker, and no probe has succeeded since. If there was none for
    /// a long time, nothing is known of the target any more.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.state {
            State::Closed(_) => false,
            State::Probing(_) => true,
            State::Open(until) => now.since_ms(until) < UNKNOWN_MS,
        }
    }

    /// A person lets requests pass.
    pub fn reset(&mut self) {
        self.state = State::Closed(0);
        self.closed_until = Timestamp(0);
    }

    /// Until when the target asked to be left alone.
    #[must_use]
    pub fn closed_until(&self) -> Timestamp {
        self.closed_until
    }

    /// A request passes. Returns whether it is the probe.
    pub fn enter(&mut self, now: Timestamp) -> bool {
        match self.state {
            State::Closed(_) => false,
            State::Open(_) | State::Probing(_) => {
                self.state = State::Probing(now);
                true
            }
        }
    }

    /// The target answered.
    pub fn succeed(&mut self) {
        self.state = State::Closed(0);
    }

    /// The target failed. Returns whether that opened the breaker.
    pub fn fail(&mut self, now: Timestamp) -> bool {
        if self.failures_to_open == 0 {
            return false;
        }
        match self.state {
            State::Closed(failures) if failures.saturating_add(1) < self.failures_to_open => {
                self.state = State::Closed(failures.saturating_add(1));
                false
            }
            State::Closed(_) | State::Probing(_) => {
                self.state = State::Open(now.plus_ms(self.open_ms));
                true
            }
            // Requests that started before it opened may fail late: that prolongs nothing.
            State::Open(_) => false,
        }
    }

    /// The probe ended without a result: the next request is a probe again.
    pub fn abandon_probe(&mut self, now: Timestamp) {
        if matches!(self.state, State::Probing(_)) {
            self.state = State::Open(now);
        }
    }

    /// Blocks all requests for a time because the target asked for it.
    pub fn leave_alone(&mut self, now: Timestamp, ms: u64) {
        self.closed_until = self.closed_until.max(now.plus_ms(ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Timestamp) {
        let options = HostOptions { failures_to_open: 3, open_ms: 10_000, ..HostOptions::default() };
        (Breaker::new(&options), Timestamp(1_000_000))
    }

    #[test]
    fn consecutive_failures_open_the_breaker_and_one_probe_decides() {
        let (mut breaker, now) = breaker();
        assert!(!breaker.fail(now) && !breaker.fail(now));
        breaker.succeed();
        assert!(!breaker.fail(now) && !breaker.fail(now) && breaker.fail(now));
        assert_eq!(breaker.wait_ms(now), 10_000);
        let later = now.plus_ms(10_000);
        assert_eq!(breaker.wait_ms(later), 0);
        assert!(breaker.enter(later), "the first is the probe");
        assert!(breaker.wait_ms(later) > 0, "other requests must wait");
        assert!(breaker.fail(later), "a failed probe opens it again");
        let last = later.plus_ms(10_000);
        assert!(breaker.enter(last));
        breaker.succeed();
        assert_eq!(breaker.wait_ms(last), 0);
        assert!(!breaker.enter(last));
    }

    #[test]
    fn an_abandoned_probe_allows_another() {
        let (mut breaker, now) = breaker();
        while !breaker.fail(now) {}
        let later = now.plus_ms(10_000);
        breaker.enter(later);
        breaker.abandon_probe(later);
        assert_eq!(breaker.wait_ms(later), 0);
    }

    #[test]
    fn a_target_that_asks_to_wait_gets_no_requests() {
        let (mut breaker, now) = breaker();
        breaker.leave_alone(now, 60_000);
        breaker.leave_alone(now, 1_000);
        breaker.succeed();
        assert_eq!(breaker.wait_ms(now), 60_000);
        assert_eq!(breaker.wait_ms(now.plus_ms(60_000)), 0);
    }
}
