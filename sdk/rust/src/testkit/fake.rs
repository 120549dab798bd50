//! The host's functions over in-memory maps, with the contract's limits. It commits nothing: the bench does.

use super::bench::{Installation, Recording, offset};
use super::check;
use super::run::{LogEntry, Metric, MetricValue, Run, Timer};
use crate::host::{Host, Page};
use crate::{
    Delivery, HttpError, Level, NewEvent, OutboxError, OutboxRequest, Request, Response, StateError, Timestamp, limits,
};
use std::cell::RefCell;
use std::ops::Bound;

/// The running call: `validate` may have no effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Handle,
    Validate,
    Migrate,
}

pub(super) struct FakeHost<'a> {
    installation: &'a Installation,
    call: Call,
    delivery: Delivery,
    run: RefCell<Run>,
}

impl<'a> FakeHost<'a> {
    pub(super) fn new(installation: &'a Installation, call: Call, delivery: Delivery, seed: u64) -> Self {
        let run = RefCell::new(Run { random_state: seed, ..Run::default() });
        Self { installation, call, delivery, run }
    }

    pub(super) fn into_run(self) -> Run {
        self.run.into_inner()
    }

    fn refuse_effects(&self) -> Result<(), OutboxError> {
        match self.call {
            Call::Validate => Err(OutboxError::Denied("`validate` may have no effects".into())),
            Call::Handle | Call::Migrate => Ok(()),
        }
    }

    fn count_effect(run: &mut Run, bytes: usize) -> Result<(), OutboxError> {
        let sum = run.effect_bytes + bytes;
        if sum > limits::EFFECTS_BYTES_MAX {
            return Err(OutboxError::LimitExceeded(format!("{sum} bytes; at most {}", limits::EFFECTS_BYTES_MAX)));
        }
        run.effect_bytes = sum;
        Ok(())
    }

    fn count_read(run: &mut Run, bytes: usize) -> Result<(), StateError> {
        run.keys_read += 1;
        run.bytes_read += bytes;
        if run.keys_read > limits::STATE_READS_MAX {
            return Err(StateError::LimitExceeded(format!("more than {} keys read", limits::STATE_READS_MAX)));
        }
        if run.bytes_read > limits::STATE_READ_BYTES_MAX {
            return Err(StateError::LimitExceeded(format!("more than {} bytes read", limits::STATE_READ_BYTES_MAX)));
        }
        Ok(())
    }

    fn write(&self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        check::state_key(key)?;
        if self.call == Call::Validate {
            return Err(StateError::LimitExceeded("`validate` may not write state".into()));
        }
        let size = value.map_or(0, <[u8]>::len);
        if size > limits::STATE_VALUE_BYTES_MAX {
            let max = limits::STATE_VALUE_BYTES_MAX;
            return Err(StateError::ValueTooLarge(format!("value of `{key}` has {size} bytes; at most {max}")));
        }
        let mut run = self.run.borrow_mut();
        let others = run.writes.iter().filter(|(known, _)| *known != key);
        let (count, bytes) = others.fold((1, key.len() + size), |(count, bytes), (key, value)| {
            (count + 1, bytes + key.len() + value.as_ref().map_or(0, Vec::len))
        });
        if count > limits::STATE_WRITES_MAX || bytes > limits::STATE_WRITE_BYTES_MAX {
            return Err(StateError::LimitExceeded(format!(
                "{count} keys and {bytes} bytes written; at most {} and {}",
                limits::STATE_WRITES_MAX,
                limits::STATE_WRITE_BYTES_MAX
            )));
        }
        run.writes.insert(key.to_owned(), value.map(<[u8]>::to_vec));
        Ok(())
    }

    fn metric(&self, name: &str, value: MetricValue, labels: &[(&str, &str)]) {
        let mut run = self.run.borrow_mut();
        match check::metric(name, labels) {
            Ok(()) => run.metrics.push(Metric { name: name.to_owned(), value, labels: owned(labels) }),
            Err(violation) => run.violations.push(violation),
        }
    }
}

impl Host for FakeHost<'_> {
    fn config(&self) -> String {
        self.installation.config.to_string()
    }

    fn delivery(&self) -> Delivery {
        self.delivery.clone()
    }

    fn offset_at(&self, time: Timestamp) -> i32 {
        offset(&self.delivery.time_zone, time).unwrap_or(self.delivery.utc_offset_seconds)
    }

    fn random(&self, count: u32) -> Vec<u8> {
        let mut run = self.run.borrow_mut();
        if let Some(Recording { seed, .. }) = &self.installation.recorded {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(limits::RANDOM_BYTES_MAX);
            let (bytes, position) = super::random::bytes(seed, run.random_state, count);
            run.random_state = position;
            return bytes;
        }
        // splitmix64: enough to differ between attempts and to be equal on a replay.
        let mut next = || {
            run.random_state = run.random_state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (run.random_state ^ (run.random_state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)).to_le_bytes()
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(limits::RANDOM_BYTES_MAX);
        std::iter::repeat_with(&mut next).flatten().take(count).collect()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check::state_key(key)?;
        let mut run = self.run.borrow_mut();
        let value = match run.writes.get(key) {
            Some(written) => written.clone(),
            None => self.installation.state.get(key).cloned(),
        };
        Self::count_read(&mut run, value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.write(key, Some(value))
    }

    fn delete(&self, key: &str) -> Result<(), StateError> {
        self.write(key, None)
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, StateError> {
        let limit = usize::try_from(limit.clamp(1, limits::SCAN_PAGE_MAX)).unwrap_or(1);
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(prefix.to_owned()),
        };
        let mut run = self.run.borrow_mut();
        let mut merged: std::collections::BTreeMap<_, _> = self
            .installation
            .state
            .range((from.clone(), Bound::Unbounded))
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect();
        merged.extend(run.writes.range((from, Bound::Unbounded)).map(|(key, value)| (key.clone(), value.clone())));
        let mut rest = merged
            .into_iter()
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(key, value)| value.map(|value| (key, value)));
        let entries: Vec<_> = rest.by_ref().take(limit).collect();
        for (_, value) in &entries {
            Self::count_read(&mut run, value.len())?;
        }
        Ok(Page { entries, more: rest.next().is_some() })
    }

    fn emit(&self, event: NewEvent) -> Result<(), OutboxError> {
        self.refuse_effects()?;
        let bytes = check::new_event(&event)?;
        let mut run = self.run.borrow_mut();
        if run.emitted.len() >= limits::EMITS_MAX {
            return Err(OutboxError::LimitExceeded(format!("more than {} events", limits::EMITS_MAX)));
        }
        Self::count_effect(&mut run, bytes)?;
        run.emitted.push(event);
        Ok(())
    }

    fn schedule(&self, key: &str, at: Timestamp, event: NewEvent) -> Result<(), OutboxError> {
        self.refuse_effects()?;
        check::key(key).map_err(OutboxError::Invalid)?;
        let bytes = check::new_event(&event)?;
        if at.millis_since(self.delivery.time) > limits::TIMER_AHEAD_MS_MAX {
            return Err(OutboxError::Invalid(format!("at {at} is more than a year after {}", self.delivery.time)));
        }
        let mut run = self.run.borrow_mut();
        if run.timers_set >= limits::TIMERS_MAX {
            return Err(OutboxError::LimitExceeded(format!("more than {} timers", limits::TIMERS_MAX)));
        }
        Self::count_effect(&mut run, bytes)?;
        run.timers_set += 1;
        run.timers.insert(key.to_owned(), Some(Timer { key: key.to_owned(), at, event }));
        Ok(())
    }

    fn cancel(&self, key: &str) -> Result<(), OutboxError> {
        self.refuse_effects()?;
        check::key(key).map_err(OutboxError::Invalid)?;
        self.run.borrow_mut().timers.insert(key.to_owned(), None);
        Ok(())
    }

    fn send(&self, send: OutboxRequest) -> Result<(), OutboxError> {
        self.refuse_effects()?;
        check::key(&send.key).map_err(OutboxError::Invalid)?;
        let bytes = check::request(&send.request).map_err(OutboxError::Invalid)?;
        let mut run = self.run.borrow_mut();
        if self.installation.used_keys.contains(&send.key) || run.sent.iter().any(|other| other.key == send.key) {
            run.sends_dropped.push(send.key);
            return Ok(());
        }
        if run.sent.len() >= limits::SENDS_MAX {
            return Err(OutboxError::LimitExceeded(format!("more than {} requests", limits::SENDS_MAX)));
        }
        Self::count_effect(&mut run, bytes)?;
        run.sent.push(send);
        Ok(())
    }

    fn fetch(&self, request: Request) -> Result<Response, HttpError> {
        check::look_up(&request)?;
        let mut run = self.run.borrow_mut();
        if run.fetched.len() >= limits::LOOK_UPS_MAX {
            return Err(HttpError::LimitExceeded(format!("more than {} look-ups", limits::LOOK_UPS_MAX)));
        }
        if let Some(recording) = &self.installation.recorded {
            return recorded_answer(recording, request, &mut run);
        }
        let answer = self.installation.answers.get(&(request.method.clone(), request.url.clone())).cloned();
        let missing =
            format!("the bench has no response for {} {}: set it with `Bench::answer`", request.method, request.url);
        run.fetched.push(request);
        answer.unwrap_or(Err(HttpError::Unreachable(missing)))
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let mut run = self.run.borrow_mut();
        let bytes = message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if run.logs.len() >= limits::LOGS_MAX {
            run.violations.push(format!("log: more than {} messages", limits::LOGS_MAX));
            return;
        }
        if bytes > limits::LOG_BYTES_MAX {
            run.violations.push(format!("log: {bytes} bytes with fields; at most {}", limits::LOG_BYTES_MAX));
        }
        run.logs.push(LogEntry { level, message: message.to_owned(), fields: owned(fields) });
    }

    fn counter(&self, name: &str, add: u64, labels: &[(&str, &str)]) {
        self.metric(name, MetricValue::Counter(add), labels);
    }

    fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.metric(name, MetricValue::Gauge(value), labels);
    }

    fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.metric(name, MetricValue::Histogram(value), labels);
    }
}

/// Each recorded response once, in order; further look-ups get the last one again.
fn recorded_answer(recording: &Recording, request: Request, run: &mut Run) -> Result<Response, HttpError> {
    let all = || recording.answers.iter().enumerate().filter(|(_, answer)| answer.request.fits(&request));
    let is_new = |index: usize| !recording.used.contains(&index) && !run.answered.contains(&index);
    let next = all().find(|(index, _)| is_new(*index)).or_else(|| all().next_back());
    let missing = format!("the case has no answer to {} {}", request.method, request.url);
    let answer = next.map(|(index, answer)| (index, answer.result.clone()));
    run.fetched.push(request);
    match answer {
        Some((index, answer)) => {
            run.answered.push(index);
            answer
        }
        None => Err(HttpError::Unreachable(missing)),
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
