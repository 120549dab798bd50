//! One gate per target and credential, in front of every request of every installation: budget and breaker together. So
//! one rooftop's refused password closes no gate of a rooftop with another credential. It knows no installation and sends
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use handoff_model::time::{Clock, Timestamp};

use super::breaker::Breaker;
use super::budget::Budget;
use super::retry_after;
use handoff_policy::egress::HostOptions;

/// The pause after a 429 without Retry-After.
pub(crate) const PACE_MS: u64 = 1_000;
/// A request that is aborted after at least this time counts as a failure of the target; an earlier abort does not.
const TELLING_MS: u64 = 1_000;

/// Settings of a target, by host and port.
type Settings = Box<dyn Fn(&str, u16) -> HostOptions + Send + Sync>;

type SharedGate = Arc<Mutex<Gate>>;

/// What a gate is for: host, port, and the auth profile that the request uses, if any.
type Key = (String, u16, Option<String>);

/// The state of a gate, for people and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateState {
    /// Host and port of the target.
    pub target: String,
    /// The auth profile of its requests, if they have one.
    pub profile: Option<String>,
    /// Why it is closed; none: requests pass.
    pub closed: Option<Closed>,
}

/// Why and until when a gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The cause.
    pub by: ClosedBy,
    /// When the next request may pass.
    pub until: Timestamp,
    /// It stays closed for long: a person should know.
    pub is_long: bool,
}

/// Why a gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The target keeps failing: its circuit breaker is open.
    Failures,
    /// The target asked to wait (`Retry-After`).
    RetryAfter,
    /// The requests of the day are used up (`daily` in the configuration).
    Budget,
}

/// All gates. Targets come from grants and token endpoints, credentials from the configuration, so there are few.
pub struct Gates {
    settings: Settings,
    clock: Arc<dyn Clock>,
    // Held for a few assignments, never across an await.
    gates: Mutex<HashMap<Key, SharedGate>>,
}

struct Gate {
    /// The target asked to wait for so long that its quota must be exhausted.
    is_quota: bool,
    target: String,
    budget: Budget,
    breaker: Breaker,
    options: HostOptions,
}

/// The kind of limit that a 429 or 503 with Retry-After reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitClass {
    /// The pace is too high: continue in a moment.
    Pace,
    /// A quota is exhausted: continue much later.
    Quota,
}

/// The permission to send one request. Report the result to it.
pub struct Permit {
    gate: SharedGate,
    clock: Arc<dyn Clock>,
    since: Timestamp,
    probe: bool,
    told: bool,
}

impl Gates {
    /// Creates gates on the first request to a target with a credential.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, gates: Mutex::new(HashMap::new()) }
    }

    /// Lets one request pass, or returns how many milliseconds to wait.
    pub fn enter(&self, host: &str, port: u16, credential: Option<&str>) -> Result<Permit, u64> {
        let now = self.clock.now();
        let gate = self.gate(host, port, credential, now);
        let mut open = gate.lock();
        let wait = match open.breaker.wait_ms(now) {
            0 => open.budget.wait_ms(now),
            wait => wait,
        };
        if wait > 0 {
            return Err(wait);
        }
        open.budget.take(now);
        let probe = open.breaker.enter(now);
        drop(open);
        Ok(Permit { gate, clock: Arc::clone(&self.clock), since: now, probe, told: false })
    }

    /// The states of all gates, by target and profile.
    #[must_use]
    pub fn states(&self) -> Vec<GateState> {
        let now = self.clock.now();
        let gates: Vec<(Key, SharedGate)> =
            self.gates.lock().iter().map(|(key, gate)| (key.clone(), Arc::clone(gate))).collect();
        let mut states: Vec<GateState> = gates
            .into_iter()
            .map(|((host, port, profile), gate)| GateState {
                target: format!("{host}:{port}"),
                profile,
                closed: gate.lock().closed(now),
            })
            .collect();
        states.sort_by(|a, b| (&a.target, &a.profile).cmp(&(&b.target, &b.profile)));
        states
    }

    /// Keeps a gate closed until then, as before a restart: its target asked for it.
    pub fn close_until(&self, host: &str, port: u16, credential: Option<&str>, until: Timestamp) {
        let now = self.clock.now();
        let gate = self.gate(host, port, credential, now);
        let mut gate = gate.lock();
        gate.is_quota = true;
        gate.breaker.leave_alone(now, until.since_ms(now));
    }

    /// Opens a closed gate because a person knows better than the target. None if there is no such gate, false if it is
    /// not closed by failures or by the target. A budget stays used up.
    pub fn open(&self, target: &str, credential: Option<&str>) -> Option<bool> {
        let now = self.clock.now();
        let gates = self.gates.lock();
        let of_target =
            |(host, port, profile): &Key| format!("{host}:{port}") == target && profile.as_deref() == credential;
        let gate = gates.iter().find(|(key, _)| of_target(key)).map(|(_, gate)| Arc::clone(gate))?;
        drop(gates);
        let mut gate = gate.lock();
        let was_closed = gate.breaker.wait_ms(now) > 0 || gate.breaker.is_open(now);
        gate.breaker.reset();
        gate.is_quota = false;
        Some(was_closed)
    }

    fn gate(&self, host: &str, port: u16, credential: Option<&str>, now: Timestamp) -> SharedGate {
        let mut gates = self.gates.lock();
        let gate = gates.entry((host.to_owned(), port, credential.map(str::to_owned))).or_insert_with(|| {
            let options = (self.settings)(host, port);
            Arc::new(Mutex::new(Gate {
                is_quota: false,
                target: match credential {
                    Some(credential) => format!("{host}:{port} with {credential}"),
                    None => format!("{host}:{port}"),
                },
                budget: Budget::new(&options, now),
                breaker: Breaker::new(&options),
                options,
            }))
        });
        Arc::clone(gate)
    }
}

impl Permit {
    /// Reports a response with its `Retry-After` fields, of which the longest counts. Returns how long the target asks to
    /// wait, and why.
    pub fn answered(mut self, status: u16, retry_after: &[&str]) -> Option<(u64, LimitClass)> {
        self.told = true;
        let now = self.clock.now();
        let mut gate = self.gate.lock();
        if status >= 500 {
            gate.fail(now);
        } else {
            gate.breaker.succeed();
        }
        if !matches!(status, 429 | 503) {
            return None;
        }
        let most = gate.options.retry_after_max_ms;
        let asked = retry_after.iter().filter_map(|value| retry_after::parse(value, now, most)).max();
        let wait = match (asked, status) {
            (Some(ms), _) => ms,
            (None, 429) => PACE_MS,
            (None, _) => return None,
        };
        let class = if wait >= gate.options.quota_after_ms { LimitClass::Quota } else { LimitClass::Pace };
        gate.is_quota |= class == LimitClass::Quota;
        gate.breaker.leave_alone(now, wait);
        Some((wait, class))
    }

    /// Reports that there was no response.
    pub fn failed(mut self) {
        self.told = true;
        self.gate.lock().fail(self.clock.now());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let now = self.clock.now();
        let mut gate = self.gate.lock();
        // The caller's deadline ended the request: a target that hangs must still open the breaker.
        if now.since_ms(self.since) >= TELLING_MS {
            gate.fail(now);
        } else if self.probe {
            gate.breaker.abandon_probe(now);
        }
    }
}

impl Gate {
    fn closed(&mut self, now: Timestamp) -> Option<Closed> {
        let (asked, own) = (self.breaker.closed_until().since_ms(now), self.breaker.wait_ms(now));
        self.is_quota &= asked > 0;
        let (by, is_long) = if self.breaker.is_open(now) {
            (ClosedBy::Failures, true)
        } else if asked > 0 {
            (ClosedBy::RetryAfter, self.is_quota)
        } else if self.budget.is_spent(now) {
            (ClosedBy::Budget, true)
        } else {
            return None;
        };
        Some(Closed { by, until: now.plus_ms(own.max(self.budget.wait_ms(now))), is_long })
    }

    fn fail(&mut self, now: Timestamp) {
        // The incident of an open breaker is logged once; each failed probe opens it again.
        if self.breaker.fail(now) {
            tracing::debug!(host = self.target, open_ms = self.options.open_ms, "circuit breaker open");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct HandClock(AtomicU64);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    fn gates(options: HostOptions) -> (Gates, Arc<HandClock>) {
        let clock = Arc::new(HandClock(AtomicU64::new(1_000_000)));
        (Gates::new(Box::new(move |_, _| options.clone()), Arc::<HandClock>::clone(&clock)), clock)
    }

    #[test]
    fn retry_after_pauses_all_requests_to_a_target() {
        let (gates, clock) = gates(HostOptions::default());
        let permit = gates.enter("a", 443, None).expect("open");
        assert_eq!(permit.answered(429, &["30"]), Some((30_000, LimitClass::Pace)));
        assert_eq!(gates.enter("a", 443, None).err(), Some(30_000));
        assert!(gates.enter("a", 8443, None).is_ok() && gates.enter("b", 443, None).is_ok());
        clock.0.fetch_add(30_000, Ordering::SeqCst);
        let permit = gates.enter("a", 443, None).expect("open again");
        assert_eq!(permit.answered(429, &["7200"]), Some((7_200_000, LimitClass::Quota)));
        clock.0.fetch_add(7_200_000, Ordering::SeqCst);
        let permit = gates.enter("a", 443, None).expect("open again");
        assert_eq!(permit.answered(429, &[]), Some((PACE_MS, LimitClass::Pace)));
        let permit = gates.enter("c", 443, None).expect("open");
        assert_eq!(permit.answered(200, &["30"]), None);
    }

    #[test]
    fn a_failing_credential_stops_no_other_at_the_same_target() {
        let (gates, _) = gates(HostOptions { failures_to_open: 2, daily: Some(3), ..HostOptions::default() });
        for _ in 0..2 {
            gates.enter("crm", 443, Some("north")).expect("open").failed();
        }
        assert_eq!(gates.enter("crm", 443, Some("north")).err(), Some(15_000));
        for _ in 0..3 {
            assert_eq!(gates.enter("crm", 443, Some("south")).expect("open").answered(200, &[]), None);
        }
        assert!(gates.enter("crm", 443, Some("south")).is_err(), "its own budget is spent");
        assert!(gates.enter("crm", 443, None).is_ok());
    }

    #[test]
    fn a_closed_gate_says_why_and_until_when() {
        let (gates, clock) = gates(HostOptions { failures_to_open: 2, ..HostOptions::default() });
        for _ in 0..2 {
            gates.enter("broken", 443, Some("crm")).expect("open").failed();
        }
        assert!(gates.enter("busy", 443, None).expect("open").answered(429, &["30"]).is_some());
        assert!(gates.enter("well", 80, None).expect("open").answered(200, &[]).is_none());
        let now = clock.now();
        let closed = |by, ms, is_long| Some(Closed { by, until: now.plus_ms(ms), is_long });
        let state = |target: &str, profile: Option<&str>, closed| GateState {
            target: target.to_owned(),
            profile: profile.map(str::to_owned),
            closed,
        };
        let expected = [
            state("broken:443", Some("crm"), closed(ClosedBy::Failures, 15_000, true)),
            state("busy:443", None, closed(ClosedBy::RetryAfter, 30_000, false)),
            state("well:80", None, None),
        ];
        assert_eq!(gates.states(), expected);
        clock.0.fetch_add(30_000, Ordering::SeqCst);
        let closed: Vec<_> = gates.states().into_iter().map(|gate| gate.closed.map(|closed| closed.by)).collect();
        assert_eq!(closed, [Some(ClosedBy::Failures), None, None], "the breaker stays open until a probe succeeds");
    }

    #[test]
    fn a_long_wait_survives_a_restart_and_ends_when_a_person_says_so() {
        let (before, clock) = gates(HostOptions::default());
        assert!(before.enter("crm", 443, Some("north")).expect("open").answered(429, &["7200"]).is_some());
        let closed = before.states()[0].closed.expect("closed");
        assert_eq!((closed.by, closed.is_long), (ClosedBy::RetryAfter, true));

        let after = Gates::new(Box::new(|_, _| HostOptions::default()), Arc::<HandClock>::clone(&clock));
        after.close_until("crm", 443, Some("north"), closed.until);
        assert_eq!(after.states()[0].closed, Some(closed));
        assert_eq!(after.enter("crm", 443, Some("north")).err(), Some(7_200_000));
        assert_eq!(after.open("crm:443", None), None, "another gate");
        assert_eq!(after.open("crm:443", Some("north")), Some(true));
        assert_eq!(after.open("crm:443", Some("north")), Some(false));
        assert!(after.enter("crm", 443, Some("north")).is_ok() && after.states()[0].closed.is_none());
    }

    #[test]
    fn late_aborts_open_the_breaker_and_early_ones_do_not() {
        let (gates, clock) = gates(HostOptions { failures_to_open: 2, ..HostOptions::default() });
        for _ in 0..5 {
            drop(gates.enter("a", 443, None).expect("open"));
        }
        for _ in 0..2 {
            let permit = gates.enter("a", 443, None).expect("open");
            clock.0.fetch_add(TELLING_MS, Ordering::SeqCst);
            drop(permit);
        }
        assert_eq!(gates.enter("a", 443, None).err(), Some(15_000));
    }
}
