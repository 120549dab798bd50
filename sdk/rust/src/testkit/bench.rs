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
    /// For a recorded delivery: its responses in order, and the seed of its random bytes.
    pub(super) recorded: Option<(Answers, [u8; 32])>,
}

/// Look-ups and their results, in order.
pub(super) type Answers = Vec<(Request, Result<Response, HttpError>)>;

/// All inputs of a recorded delivery except its event.
pub(super) struct Recorded {
    pub(super) delivery: Delivery,
    pub(super) config: serde_json::Value,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) used_keys: BTreeSet<String>,
    pub(super) answers: Answers,
    pub(super) seed: [u8; 32],
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

    /// The installation at the time of a recorded delivery.
    pub(super) fn of_recorded(recorded: &Recorded) -> Self {
        let mut bench = Self::new(recorded.config.clone());
        bench.installation.state = recorded.state.clone();
        bench.installation.used_keys = recorded.used_keys.clone();
        bench.installation.recorded = Some((recorded.answers.clone(), recorded.seed));
        bench.delivery = recorded.delivery.clone();
        bench
    }

    /// Delivers the event of a recorded delivery, with the recorded attempt.
    #[track_caller]
    pub(super) fn deliver_recorded(&mut self, event: &Event) -> Delivered {
        let attempt = self.delivery.attempt;
        self.call(Call::Handle, attempt, 0, |host| {
            let run = std::panic::AssertUnwindSafe(|| connector::handle::<T>(host, event));
            std::panic::catch_unwind(run).unwrap_or_else(|_| Err(super::case::trap()))
        })
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
