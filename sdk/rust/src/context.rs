//! What a connector can know and do during one call. A thin, typed wrapper of the [`Host`] trait: no behaviour of its
//! own.

use crate::host::{Host, Level};
use crate::{Failure, HttpError, NewEvent, OutboxError, OutboxRequest, Request, Response, State, Timestamp, limits};

/// Information about the current call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Name of the installation, unique on the host.
    pub installation: String,
    /// Number of the running generation (version, config and grants).
    pub generation: u64,
    /// 1 for the first attempt; 0 in `validate` and `migrate`.
    pub attempt: u32,
    /// The delivery's clock. It does not advance during a call, and it is the only clock.
    pub time: Timestamp,
    /// Name of the rooftop: a dealership location.
    pub rooftop: String,
    /// The rooftop's IANA time zone, for example `America/Chicago`.
    pub time_zone: String,
    /// The rooftop's offset from UTC at `time`, in seconds east.
    pub utc_offset_seconds: i32,
    /// True when effects will be shown, not applied (shadow run and replay).
    pub dry_run: bool,
}

/// Everything that a connector can use during one call.
pub struct Context<'a, C> {
    host: &'a dyn Host,
    config: &'a C,
    delivery: Delivery,
}

impl<'a, C> Context<'a, C> {
    pub(crate) fn new(host: &'a dyn Host, config: &'a C, delivery: Delivery) -> Self {
        Self { host, config, delivery }
    }

    /// The installation's config.
    #[must_use]
    pub fn config(&self) -> &C {
        self.config
    }

    /// Information about this call: installation, attempt, clock, rooftop.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The delivery's clock, short for `delivery().time`.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.delivery.time
    }

    /// The rooftop's offset from UTC at a time, in seconds east, by the rules of its zone.
    #[must_use]
    pub fn offset_at(&self, time: Timestamp) -> i32 {
        self.host.offset_at(time)
    }

    /// The rooftop's offset from UTC at a local time, in seconds east. `local` counts its milliseconds as if it were UTC.
    ///
    /// A time that occurs twice (clocks go back) is the first one. A time that does not occur (clocks go forward) has the
    /// offset from before the change, as in RFC 5545.
    #[must_use]
    pub fn offset_of_local(&self, local: Timestamp) -> i32 {
        // A zone has at most one change in two days.
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        let before = self.offset_at(Timestamp::from_millis(local.as_millis().saturating_sub(DAY_MS)));
        let after = self.offset_at(local.plus_millis(DAY_MS));
        let holds = |offset: i32| {
            let utc = local.as_millis().saturating_add_signed(-i64::from(offset) * 1000);
            self.offset_at(Timestamp::from_millis(utc)) == offset
        };
        if holds(before) || !holds(after) { before } else { after }
    }

    /// Random bytes, at most 64 KiB: different on every attempt, equal on a replay. Not for keys or tokens.
    ///
    /// # Panics
    /// If the host breaks the contract and returns another number of bytes.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= limits::RANDOM_BYTES_MAX, "at most 64 KiB of random bytes a call") };
        let bytes = self.host.random(u32::try_from(N).unwrap_or(u32::MAX));
        let got = bytes.len();
        bytes.try_into().unwrap_or_else(|_| panic!("the host answered with {got} random bytes instead of {N}"))
    }

    /// The installation's own key-value store. Writes commit with the delivery.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        State::new(self.host)
    }

    /// Emits an event to every installation that subscribes to its type.
    /// The type is not in the manifest's `emits` or not granted, a field is invalid, or a limit is reached.
    /// # Errors
    /// The type is not among the manifest's `emits` or not granted, a field is wrong, or a limit is reached.
    pub fn emit(&self, event: NewEvent) -> Result<(), OutboxError> {
        self.host.emit(event)
    }

    /// Delivers an event to this installation at a time, at most one year ahead; a past time means as soon as possible.
    /// A timer with the same key (1 to 256 bytes) is replaced.
    ///
    /// # Errors
    /// A field is invalid, or a limit is reached.
    pub fn schedule(&self, key: &str, at: Timestamp, event: NewEvent) -> Result<(), OutboxError> {
        self.host.schedule(key, at, event)
    }

    /// Cancels a timer. Cancelling an absent timer is not an error.
    ///
    /// # Errors
    /// The key is not 1 to 256 bytes long.
    pub fn cancel(&self, key: &str) -> Result<(), OutboxError> {
        self.host.cancel(key)
    }

    /// Sends an HTTP request after the commit, with retries until it is answered. A second `send` with the same key is
    /// dropped, permanently.
    ///
    /// # Errors
    /// Host, method, path or auth profile are not granted, a field is invalid, or a limit is reached.
    pub fn send(&self, send: OutboxRequest) -> Result<(), OutboxError> {
        self.host.send(send)
    }

    /// Makes a look-up now. Only `GET` and `HEAD`, unless the grant lists the path as a look-up.
    ///
    /// # Errors
    /// See [`HttpError`]. Any status, including 404 and 500, is a response and not an error.
    pub fn fetch(&self, request: Request) -> Result<Response, HttpError> {
        self.host.fetch(request)
    }

    /// Logs a message for developers. Like all four levels: kept even if the delivery fails; at most 8 KiB with its
    /// fields and 1,000 per delivery; never personal data or secrets.
    pub fn debug(&self, message: &str, fields: &[(&str, &str)]) {
        self.host.log(Level::Debug, message, fields);
    }

    /// Logs a normal event.
    pub fn info(&self, message: &str, fields: &[(&str, &str)]) {
        self.host.log(Level::Info, message, fields);
    }

    /// Logs something to look at.
    pub fn warn(&self, message: &str, fields: &[(&str, &str)]) {
        self.host.log(Level::Warn, message, fields);
    }

    /// Logs an error.
    pub fn error(&self, message: &str, fields: &[(&str, &str)]) {
        self.host.log(Level::Error, message, fields);
    }

    /// Adds to a counter when the delivery commits. Names are kebab-case, at most 64 bytes, with at most 8 labels; an
    /// invalid one is dropped and logged.
    pub fn counter(&self, name: &str, add: u64, labels: &[(&str, &str)]) {
        self.host.counter(name, add, labels);
    }

    /// Sets a gauge when the delivery commits.
    pub fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.host.gauge(name, value, labels);
    }

    /// Records one value when the delivery commits, in the unit that the name ends with (`-seconds`, `-bytes`).
    pub fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.host.histogram(name, value, labels);
    }

    /// The failure for an event type that this connector does not handle.
    #[must_use]
    pub fn unexpected_type(&self, type_name: &str) -> Failure {
        Failure::reject("unexpected-type", format!("this connector does not handle events of type `{type_name}`"))
    }
}
