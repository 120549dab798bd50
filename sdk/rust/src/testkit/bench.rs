//! Simulates the host for one installation: keeps durable state, and commits or discards after each delivery.

use super::check;
use super::deliver::Delivered;
use super::fake::{Call, FakeHost};
use super::run::Timer;
use crate::host::Host;
use crate::{Connector, Delivery, Event, Failure, HttpError, Request, Response, Timestamp, connector, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

/// A timer that keeps setting itself in the past would fire forever.
const TIMERS_FIRED_MAX: usize = 10_000;

/// The state that persists between deliveries.
pub(super) struct Installation {
    pub(super) config: serde_json::Value,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) answers: BTreeMap<(String, String), Result<Response, HttpError>>,
    pub(super) used_keys: BTreeSet<String>,
    timers: BTreeMap<String, Timer>,
    /// Of a case: its answers, and the seed of random bytes.
    pub(super) recorded: Option<Recording>,
}

/// The answers and the seed of a case.
#[derive(Clone)]
pub(super) struct Recording {
    pub(super) answers: Vec<Answer>,
    pub(super) seed: [u8; 32],
    /// Answers that earlier deliveries used, by index.
    pub(super) used: BTreeSet<usize>,
}

/// An answer to a look-up.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) request: RequestPattern,
    pub(super) result: Result<Response, HttpError>,
}

/// A request whose absent fields match anything.
#[derive(Clone)]
pub(super) struct RequestPattern {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) auth: Option<String>,
    pub(super) timeout_ms: Option<u32>,
}

impl RequestPattern {
    pub(super) fn fits(&self, request: &Request) -> bool {
        let values = |headers: &[(String, String)], wanted: &str| -> Vec<String> {
            let same = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            same.map(|(_, value)| value.clone()).collect()
        };
        let has = |(name, _): &(String, String)| values(&self.headers, name) == values(&request.headers, name);
        let body = request.body.as_deref().map(handoff_cases::bytes::canonical);
        self.method == request.method
            && self.url == request.url
            && self.headers.iter().all(has)
            && (self.body.is_none() || self.body == body)
            && (self.auth.is_none() || self.auth == request.auth)
            && (self.timeout_ms.is_none() || self.timeout_ms == request.timeout_ms)
    }
}

/// The offset of a zone from UTC at a time, in seconds east; none if there is no such zone.
pub(super) fn offset(time_zone: &str, time: Timestamp) -> Option<i32> {
    use chrono::{Offset as _, TimeZone as _};
    let zone: chrono_tz::Tz = time_zone.parse().ok()?;
    let utc = chrono::DateTime::from_timestamp_millis(i64::try_from(time.as_millis()).ok()?)?;
    Some(zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc())
}

/// An in-memory host for one installation of the connector `T`. See the [module](super) for the rules that it enforces.
pub struct Bench<T> {
    installation: Installation,
    delivery: Delivery,
    /// Number of attempts, by source and id.
    attempts: BTreeMap<(String, String), u32>,
    connector: PhantomData<fn() -> T>,
}

impl<T: Connector> Bench<T> {
    /// An installation named `test` with this config, at the rooftop `main-street` in `America/Chicago` (UTC-5), at
    /// 2026-03-30T15:00:00Z.
    ///
    /// # Panics
    /// If the config is over 256 KiB.
    #[must_use]
    pub fn new(config: serde_json::Value) -> Self {
        assert!(
            config.to_string().len() <= limits::CONFIG_BYTES_MAX,
            "config: at most {} bytes",
            limits::CONFIG_BYTES_MAX
        );
        Self {
            installation: Installation {
                config,
                state: BTreeMap::new(),
                answers: BTreeMap::new(),
                used_keys: BTreeSet::new(),
                timers: BTreeMap::new(),
                recorded: None,
            },
            delivery: Delivery {
                installation: "test".into(),
                generation: 1,
                attempt: 1,
                time: Timestamp::from_millis(1_774_882_800_000),
                rooftop: "main-street".into(),
                time_zone: "America/Chicago".into(),
                utc_offset_seconds: -5 * 3_600,
                dry_run: false,
            },
            attempts: BTreeMap::new(),
            connector: PhantomData,
        }
    }

    /// Sets the rooftop, its IANA time zone and its offset from UTC in seconds east.
    #[must_use]
    pub fn rooftop(mut self, name: &str, time_zone: &str, utc_offset_seconds: i32) -> Self {
        self.delivery.rooftop = name.to_owned();
        self.delivery.time_zone = time_zone.to_owned();
        self.delivery.utc_offset_seconds = utc_offset_seconds;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.delivery.time = time;
        self
    }

    /// Sets the clock between deliveries. Due timers wait for [`fire_timers`](Self::fire_timers).
    pub fn set_time(&mut self, time: Timestamp) {
        self.delivery.time = time;
    }

    /// The bench's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.delivery.time
    }

    /// Sets the installation's name.
    #[must_use]
    pub fn installation(mut self, name: &str) -> Self {
        self.delivery.installation = name.to_owned();
        self
    }

    /// Changes the config and with it the generation, as an operator would.
    pub fn reconfigure(&mut self, config: serde_json::Value) {
        self.installation.config = config;
        self.delivery.generation += 1;
    }

    /// Delivers an event. Success commits; failure discards everything except the log.
    ///
    /// # Panics
    /// If two runs of the delivery differ, or the event or the failure breaks the contract.
    #[track_caller]
    pub fn deliver(&mut self, event: &Event) -> Delivered {
        assert!(
            event.data.len() <= limits::EVENT_DATA_BYTES_MAX,
            "data: at most {} bytes",
            limits::EVENT_DATA_BYTES_MAX
        );
        let attempts = self.attempts.entry((event.source.clone(), event.id.clone())).or_default();
        *attempts += 1;
        let attempt = *attempts;
        let seed = seed(&[&event.source, &event.id, &self.delivery.installation, &attempt.to_string()]);
        self.call(Call::Handle, attempt, seed, |host| connector::handle::<T>(host, event))
    }

    /// The installation of a case, before its first delivery.
    pub(super) fn of_case(
        config: serde_json::Value,
        state: BTreeMap<String, Vec<u8>>,
        used_keys: BTreeSet<String>,
    ) -> Self {
        let mut bench = Self::new(config);
        bench.installation.state = state;
        bench.installation.used_keys = used_keys;
        bench
    }

    /// Sets clock, rooftop and attempt, and answers look-ups as a case does.
    pub(super) fn start_recording(&mut self, recording: Recording, delivery: Delivery) {
        self.installation.recorded = Some(recording);
        self.delivery = delivery;
    }

    /// Delivers an event of a case, with the case's attempt.
    #[track_caller]
    pub(super) fn deliver_recorded(&mut self, index: usize, at: Option<Timestamp>, event: &Event) -> Delivered {
        self.delivery.time = at.unwrap_or(self.delivery.time);
        if let Some(offset) = offset(&self.delivery.time_zone, self.delivery.time) {
            self.delivery.utc_offset_seconds = offset;
        }
        let seed = self.installation.recorded.as_ref().map(|recording| recording.seed);
        if let Some(recording) = &mut self.installation.recorded {
            // Another seed for each delivery.
            let number = u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes();
            recording.seed[24..].iter_mut().zip(number).for_each(|(byte, mask)| *byte ^= mask);
        }
        let attempt = self.delivery.attempt;
        let delivered = self.call(Call::Handle, attempt, 0, |host| {
            let run = std::panic::AssertUnwindSafe(|| connector::handle::<T>(host, event));
            std::panic::catch_unwind(run).unwrap_or_else(|_| Err(super::case::trap()))
        });
        if let (Some(recording), Some(seed)) = (&mut self.installation.recorded, seed) {
            recording.seed = seed;
        }
        delivered
    }

    /// Delivers the event of a timer that is set.
    #[track_caller]
    pub(super) fn deliver_timer(&mut self, index: usize, at: Option<Timestamp>, key: &str) -> Delivered {
        let Some(timer) = self.installation.timers.remove(key) else { panic!("no timer `{key}` is set") };
        let at = at.unwrap_or(timer.at.max(self.delivery.time));
        let event = self.timer_event(timer);
        self.deliver_recorded(index, Some(at), &event)
    }

    /// Validates the config of a case.
    #[track_caller]
    pub(super) fn validate_recorded(&mut self) -> Delivered {
        self.call(Call::Validate, 0, 0, connector::validate::<T>)
    }

    /// Validates the config, as the host does before a generation becomes active.
    ///
    /// # Errors
    /// The connector's failure, or `misconfigured` if the config does not parse.
    #[track_caller]
    pub fn validate(&mut self) -> Result<(), Failure> {
        self.call(Call::Validate, 0, 0, connector::validate::<T>).result
    }

    /// Migrates state of an older schema. Success commits.
    #[track_caller]
    pub fn migrate(&mut self, from_schema: u32) -> Delivered {
        self.call(Call::Migrate, 0, 0, |host| connector::migrate::<T>(host, from_schema))
    }

    /// Sets the response to every look-up with this method and URL, until it is set again. The bench knows no manifest:
    /// for a method other than `GET` and `HEAD` it assumes a grant that lists the path as a look-up, and
    /// `connector.toml` must list it under `look-ups`.
    ///
    /// # Panics
    /// If the body is over 4 MiB: use [`answer_error`](Self::answer_error) with `response-too-large` for that.
    pub fn answer(&mut self, method: &str, url: &str, response: Response) {
        let max = limits::RESPONSE_BODY_BYTES_MAX;
        assert!(response.body.len() <= max, "body: a connector receives at most {max} bytes");
        self.installation.answers.insert((method.to_owned(), url.to_owned()), Ok(response));
    }

    /// Makes every look-up with this method and URL fail.
    pub fn answer_error(&mut self, method: &str, url: &str, error: HttpError) {
        self.installation.answers.insert((method.to_owned(), url.to_owned()), Err(error));
    }

    /// Advances the clock to `until` and delivers the timers that become due, including those set meanwhile.
    ///
    /// # Panics
    /// If timers keep setting themselves in the past.
    #[track_caller]
    pub fn fire_timers(&mut self, until: Timestamp) -> Vec<Delivered> {
        let mut delivered = Vec::new();
        while let Some(timer) = self.next_timer(until) {
            assert!(delivered.len() < TIMERS_FIRED_MAX, "timers keep setting themselves: `{}`", timer.key);
            self.delivery.time = self.delivery.time.max(timer.at);
            let event = self.timer_event(timer);
            delivered.push(self.deliver(&event));
        }
        self.delivery.time = self.delivery.time.max(until);
        delivered
    }

    /// The pending timers, by key.
    #[must_use]
    pub fn timers(&self) -> Vec<Timer> {
        self.installation.timers.values().cloned().collect()
    }

    /// The committed JSON value of a key.
    ///
    /// # Panics
    /// If it is not JSON of the requested type.
    #[track_caller]
    #[must_use]
    pub fn state_json<V: DeserializeOwned>(&self, key: &str) -> Option<V> {
        let bytes = self.installation.state.get(key)?;
        Some(serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("state under `{key}`: {error}")))
    }

    /// Sets a committed JSON value, for example one that an older version wrote.
    ///
    /// # Panics
    /// If the value has no JSON form.
    #[track_caller]
    pub fn set_state_json<V: Serialize + ?Sized>(&mut self, key: &str, value: &V) {
        let bytes = serde_json::to_vec(value).unwrap_or_else(|error| panic!("state for `{key}`: {error}"));
        self.installation.state.insert(key.to_owned(), bytes);
    }

    /// The committed keys that start with `prefix`, ascending.
    #[must_use]
    pub fn state_keys(&self, prefix: &str) -> Vec<String> {
        self.installation.state.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    #[track_caller]
    fn call(
        &mut self,
        call: Call,
        attempt: u32,
        seed: u64,
        run: impl Fn(&dyn Host) -> Result<(), Failure>,
    ) -> Delivered {
        self.delivery.attempt = attempt;
        let once = || {
            let host = FakeHost::new(&self.installation, call, self.delivery.clone(), seed);
            let result = run(&host);
            (result, host.into_run())
        };
        let (first, second) = (once(), once());
        assert_eq!(
            first, second,
            "the same call ran twice with different results. A call must depend only on its inputs: look for an iterated \
             HashMap, a static, or an address in a text"
        );
        if let Err(violation) = first.0.as_ref().map_or_else(check::failure, |()| Ok(())) {
            panic!("{violation}");
        }
        if let Some(recording) = &mut self.installation.recorded {
            recording.used.extend(&first.1.answered);
        }
        let delivered = Delivered::new(first.0, first.1);
        self.commit(&delivered);
        delivered
    }

    fn commit(&mut self, delivered: &Delivered) {
        for (key, value) in &delivered.state_writes {
            match value {
                Some(value) => drop(self.installation.state.insert(key.clone(), value.clone())),
                None => drop(self.installation.state.remove(key)),
            }
        }
        for key in &delivered.timers_cancelled {
            self.installation.timers.remove(key);
        }
        for timer in &delivered.timers_set {
            self.installation.timers.insert(timer.key.clone(), timer.clone());
        }
        self.installation.used_keys.extend(delivered.sent.iter().map(|send| send.key.clone()));
    }

    fn next_timer(&mut self, until: Timestamp) -> Option<Timer> {
        let due = self.installation.timers.values().filter(|timer| timer.at <= until);
        let key = due.min_by_key(|timer| timer.at)?.key.clone();
        self.installation.timers.remove(&key)
    }

    fn timer_event(&self, timer: Timer) -> Event {
        let Timer { key, at, event } = timer;
        let mut extensions = event.extensions;
        extensions.extend(event.partition_key.map(|key| ("partitionkey".to_owned(), key)));
        Event {
            id: format!("{key}@{at}"),
            source: format!("/timers/{}", self.delivery.installation),
            type_name: event.type_name,
            subject: event.subject,
            time: Some(event.time.unwrap_or(at)),
            data_content_type: event.data_content_type,
            data_schema: event.data_schema,
            extensions,
            data: event.data,
        }
    }
}

/// FNV-1a over the parts.
fn seed(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
