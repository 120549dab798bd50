//! The interface `outbox`: collects events, timers and requests. It sends nothing; the committer applies them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::bindings::handoff::connector1_0_0::{outbox, types};
use super::convert::request_from_guest;
use super::host_state::{HostState, Mode};
use handoff_model::call::Cause;
use handoff_model::delivery::DeliveryInfo;
use handoff_model::effects::{OutboxRequest, TimerRequest};
use handoff_model::event::{Event, HOP_COUNT, PARTITION_KEY, host_types};
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request};
use handoff_model::limits::CallLimits;
use handoff_model::time::Timestamp;

/// Maximum length of the key of a timer or request, in bytes.
const KEY_BYTES: usize = 256;
/// Maximum time until a timer: one year, leap years included.
const TIMER_AHEAD_MS: u64 = 366 * 24 * 60 * 60 * 1_000;
/// A timer that is due sooner counts as a hop: a chain of such timers is a loop, a chain of later ones is a clock.
const TIMER_HOP_MS: u64 = 1_000;
/// Extension names with this prefix are reserved for the host.
const HOST_EXTENSIONS: &str = "handoff";
/// Length of an id that the host generates: 128 bits in hex.
const ID_CHARACTERS: usize = 32;

/// Effects of one call other than state writes.
pub(super) struct Outbox {
    source: String,
    installation: String,
    time: Timestamp,
    cause: Cause,
    grants: Arc<Grants>,
    mode: Mode,
    limits: CallLimits,
    emitted: Vec<Event>,
    timers_set: BTreeMap<String, TimerRequest>,
    timers_cancelled: BTreeSet<String>,
    requests: BTreeMap<String, (usize, OutboxRequest)>,
    effect_bytes: usize,
}

/// The content of an [`Outbox`], in the order of the calls.
pub(super) struct Collected {
    pub(super) emitted: Vec<Event>,
    pub(super) timers_set: BTreeMap<String, TimerRequest>,
    pub(super) timers_cancelled: Vec<String>,
    pub(super) requests: Vec<OutboxRequest>,
}

impl Outbox {
    pub(super) fn new(info: &DeliveryInfo, cause: Cause, grants: Arc<Grants>, mode: Mode, limits: CallLimits) -> Self {
        Self {
            source: format!("{}/installations/{}", info.scope.path(), info.installation),
            installation: info.installation.to_string(),
            time: info.time,
            cause,
            grants,
            mode,
            limits,
            emitted: Vec::new(),
            timers_set: BTreeMap::new(),
            timers_cancelled: BTreeSet::new(),
            requests: BTreeMap::new(),
            effect_bytes: 0,
        }
    }

    pub(super) fn finish(self) -> Collected {
        let mut requests: Vec<_> = self.requests.into_values().collect();
        requests.sort_by_key(|(order, _)| *order);
        Collected {
            emitted: self.emitted,
            timers_set: self.timers_set,
            timers_cancelled: self.timers_cancelled.into_iter().collect(),
            requests: requests.into_iter().map(|(_, request)| request).collect(),
        }
    }

    fn emit(&mut self, event: types::NewEvent) -> Result<(), outbox::Error> {
        self.check_mode()?;
        self.check_emits(&event.type_name)?;
        if self.emitted.len() >= self.limits.emitted_events {
            return Err(limit(format!("a delivery emits at most {} events", self.limits.emitted_events)));
        }
        let index = u64::try_from(self.emitted.len()).unwrap_or(u64::MAX).to_be_bytes();
        let id = self.id("emit", &[&index]);
        let hops = self.cause.hops.saturating_add(1);
        let event = self.event(event, id, hops)?;
        self.charge(event_bytes(&event), 0)?;
        self.emitted.push(event);
        Ok(())
    }

    fn schedule(&mut self, event: types::NewEvent, at: Timestamp, key: String) -> Result<(), outbox::Error> {
        self.check_mode()?;
        check_key(&key)?;
        if at.since_ms(self.time) > TIMER_AHEAD_MS {
            return Err(invalid(format!(
                "`at` is {at}; expected at most one year after the delivery's time {}: schedule a nearer timer that \
                 sets the next one",
                self.time
            )));
        }
        let replaced = self.timers_set.get(&key).map_or(0, |old| key.len() + event_bytes(&old.event));
        if replaced == 0 && self.timers_set.len() >= self.limits.timers {
            return Err(limit(format!("a delivery sets at most {} timers", self.limits.timers)));
        }
        let soon = at.since_ms(self.time) < TIMER_HOP_MS;
        let hops = if soon { self.cause.hops.saturating_add(1) } else { self.cause.hops };
        let id = self.id("timer", &[key.as_bytes(), &at.0.to_be_bytes()]);
        let event = self.event(event, id, hops)?;
        self.charge(key.len() + event_bytes(&event), replaced)?;
        self.timers_cancelled.remove(&key);
        self.timers_set.insert(key, TimerRequest { at, event });
        Ok(())
    }

    fn cancel(&mut self, key: String) -> Result<(), outbox::Error> {
        self.check_mode()?;
        check_key(&key)?;
        let removed = self.timers_set.get(&key).map_or(0, |old| key.len() + event_bytes(&old.event));
        if !self.timers_cancelled.contains(&key) {
            self.charge(key.len(), removed)?;
        }
        self.timers_set.remove(&key);
        self.timers_cancelled.insert(key);
        Ok(())
    }

    fn send(
        &mut self,
        request: Request,
        key: String,
        answer: bool,
        partition_key: Option<String>,
    ) -> Result<(), outbox::Error> {
        self.check_mode()?;
        check_key(&key)?;
        check_request(&self.grants, &request, &self.limits).map_err(refusal)?;
        if let Some(partition_key) = &partition_key {
            check_text("partition-key", partition_key)?;
        }
        if self.requests.contains_key(&key) {
            return Ok(());
        }
        if self.requests.len() >= self.limits.outbox_requests {
            return Err(limit(format!("a delivery sends at most {} requests", self.limits.outbox_requests)));
        }
        let fields: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let body = request.body.as_ref().map_or(0, Vec::len);
        let partition = partition_key.as_ref().map_or(0, String::len);
        self.charge(key.len() + request.url.len() + fields + body + partition, 0)?;
        let order = self.requests.len();
        self.requests.insert(key.clone(), (order, OutboxRequest { key, request, answer, partition_key }));
        Ok(())
    }

    /// Builds and validates the event that the guest described.
    fn event(&self, new: types::NewEvent, id: String, hops: u32) -> Result<Event, outbox::Error> {
        if hops > self.limits.hops {
            return Err(limit(format!(
                "this event is {hops} deliveries away from an event from outside; at most {} are allowed (`limits.call.hops`): \
                 connectors that answer each other's events form a loop; break it in one of them",
                self.limits.hops
            )));
        }
        if new.data.len() > self.limits.emitted_event_bytes {
            return Err(invalid(format!(
                "`data` has {} bytes; expected at most {}",
                new.data.len(),
                self.limits.emitted_event_bytes
            )));
        }
        let mut extensions = BTreeMap::new();
        for (name, value) in new.extensions {
            if name == PARTITION_KEY {
                return Err(invalid("extension `partitionkey`: set the field `partition-key` instead".to_owned()));
            }
            if name.starts_with(HOST_EXTENSIONS) {
                return Err(invalid(format!(
                    "extension `{}`: names that start with `{HOST_EXTENSIONS}` are reserved for the host",
                    name.chars().take(40).collect::<String>()
                )));
            }
            if extensions.contains_key(&name) {
                return Err(invalid(format!(
                    "extension `{}` is a duplicate",
                    name.chars().take(40).collect::<String>()
                )));
            }
            extensions.insert(name, value);
        }
        if let Some(key) = new.partition_key {
            check_text("partition-key", &key)?;
            extensions.insert(PARTITION_KEY.to_owned(), key);
        }
        extensions.insert(HOP_COUNT.to_owned(), hops.to_string());
        let event = Event {
            id,
            source: self.source.clone(),
            type_name: new.type_name,
            subject: new.subject,
            time: Some(new.time.map_or(self.time, Timestamp)),
            data_content_type: new.data_content_type,
            data_schema: new.data_schema,
            extensions,
            data: new.data,
        };
        event.check().map_err(|error| invalid(error.to_string()))?;
        Ok(event)
    }

    /// An id derived from the cause only: a repeated delivery emits the same ids.
    fn id(&self, what: &str, parts: &[&[u8]]) -> String {
        let mut hash = Sha256::new();
        let own =
            [what.as_bytes(), self.cause.source.as_bytes(), self.cause.id.as_bytes(), self.installation.as_bytes()];
        for part in own.iter().chain(parts) {
            // Lengths first: parts cannot run into each other.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let mut id = hex::encode(hash.finalize());
        id.truncate(ID_CHARACTERS);
        id
    }

    fn check_mode(&self) -> Result<(), outbox::Error> {
        let error = match self.mode {
            Mode::Effects => return Ok(()),
            Mode::ReadOnly => "`validate` may make look-ups but has no effects: emit and send from `handle`",
            Mode::StateOnly => "`migrate` rewrites state and has no other effects: emit and send from `handle`",
        };
        Err(outbox::Error::Denied(error.to_owned()))
    }

    fn check_emits(&self, type_name: &str) -> Result<(), outbox::Error> {
        const HOST_MADE: [&str; 4] = [
            host_types::HOOK_RECEIVED,
            host_types::FILE_DROPPED,
            host_types::SCHEDULE_TICKED,
            host_types::OUTBOX_ANSWERED,
        ];
        let shown: String = type_name.chars().take(80).collect();
        if HOST_MADE.contains(&type_name) {
            return Err(outbox::Error::Denied(format!(
                "`{shown}` may only be emitted by the host; use a type of your own"
            )));
        }
        if self.grants.emits.contains(type_name) {
            return Ok(());
        }
        let granted = self.grants.emits.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let granted = if granted.is_empty() { "none".to_owned() } else { granted };
        Err(outbox::Error::Denied(format!(
            "`{shown}` may not be emitted; granted: {granted}. List it under `emits` in connector.toml and ask the \
             operator to grant it"
        )))
    }

    /// Adds to the bytes of all effects, minus what is replaced.
    fn charge(&mut self, bytes: usize, replaced: usize) -> Result<(), outbox::Error> {
        let total = self.effect_bytes.saturating_sub(replaced).saturating_add(bytes);
        if total > self.limits.effect_bytes {
            return Err(limit(format!(
                "the events, timers and requests of a delivery may have at most {} bytes in total; this would be {total}",
                self.limits.effect_bytes
            )));
        }
        self.effect_bytes = total;
        Ok(())
    }
}

fn check_request(grants: &Grants, request: &Request, limits: &CallLimits) -> Result<(), HttpError> {
    handoff_policy::request::check_request(grants, request, handoff_policy::request::Purpose::Outbox, limits)
        .map(|_| ())
}

fn refusal(error: HttpError) -> outbox::Error {
    match error {
        HttpError::Denied(text) => outbox::Error::Denied(text),
        HttpError::Invalid(text) => outbox::Error::Invalid(text),
        other => outbox::Error::Invalid(other.to_string()),
    }
}

fn check_key(key: &str) -> Result<(), outbox::Error> {
    if !(1..=KEY_BYTES).contains(&key.len()) {
        return Err(invalid(format!("`key` has {} bytes; expected 1 to {KEY_BYTES}", key.len())));
    }
    check_text("key", key)
}

fn check_text(field: &str, text: &str) -> Result<(), outbox::Error> {
    if text.len() > 1024 || text.chars().any(char::is_control) {
        let error = format!("`{field}` has {} bytes; expected printable text of at most 1024 bytes", text.len());
        return Err(invalid(error));
    }
    Ok(())
}

fn event_bytes(event: &Event) -> usize {
    let optional = [&event.subject, &event.data_content_type, &event.data_schema];
    event.id.len()
        + event.source.len()
        + event.type_name.len()
        + optional.iter().filter_map(|text| text.as_ref()).map(String::len).sum::<usize>()
        + event.extensions.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        + event.data.len()
}

fn invalid(message: String) -> outbox::Error {
    outbox::Error::Invalid(message)
}

fn limit(message: String) -> outbox::Error {
    outbox::Error::LimitExceeded(message)
}

impl outbox::Host for HostState {
    async fn emit(&mut self, event: types::NewEvent) -> wasmtime::Result<Result<(), outbox::Error>> {
        self.meter.host_call()?;
        Ok(self.outbox.emit(event))
    }

    async fn schedule(
        &mut self,
        event: types::NewEvent,
        at: u64,
        key: String,
    ) -> wasmtime::Result<Result<(), outbox::Error>> {
        self.meter.host_call()?;
        Ok(self.outbox.schedule(event, Timestamp(at), key))
    }

    async fn cancel(&mut self, key: String) -> wasmtime::Result<Result<(), outbox::Error>> {
        self.meter.host_call()?;
        Ok(self.outbox.cancel(key))
    }

    async fn send(
        &mut self,
        request: types::Request,
        key: String,
        answer: bool,
        partition_key: Option<String>,
    ) -> wasmtime::Result<Result<(), outbox::Error>> {
        self.meter.host_call()?;
        Ok(self.outbox.send(request_from_guest(request), key, answer, partition_key))
    }
}
