//! Compares deliveries with what a case expects, as sentences.

use crate::testkit::deliver::Delivered;
use crate::testkit::run::Timer;
use crate::{Failure, NewEvent, OutboxRequest, Timestamp};
use handoff_cases::bytes::canonical;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a case expects.
pub(super) struct Expected {
    /// The result of `validate`, for a case without events.
    pub(super) validation: Option<Result<(), ExpectedFailure>>,
    /// One for each event.
    pub(super) outcomes: Vec<Result<Effects, ExpectedFailure>>,
}

/// A failure; without a message, any message will do.
#[derive(Debug)]
pub(super) struct ExpectedFailure {
    pub(super) kind: String,
    pub(super) code: String,
    pub(super) message: Option<String>,
    pub(super) after_ms: Option<u64>,
}

/// The effects of a commit.
pub(super) struct Effects {
    pub(super) emitted: Vec<NewEvent>,
    pub(super) state: BTreeMap<String, Option<Vec<u8>>>,
    pub(super) timers_set: Vec<Timer>,
    pub(super) timers_cancelled: Vec<String>,
    pub(super) sent: Vec<OutboxRequest>,
}

impl Expected {
    /// `times` are the clocks of the deliveries.
    pub(super) fn differences(&self, delivered: &[Delivered], times: &[Timestamp]) -> Vec<String> {
        let mut found = Vec::new();
        if self.outcomes.len() != delivered.len() {
            found.push(format!("deliveries: expected {}, now {}", self.outcomes.len(), delivered.len()));
        }
        for (index, ((expected, now), time)) in self.outcomes.iter().zip(delivered).zip(times).enumerate() {
            let place = if self.outcomes.len() > 1 { format!("delivery {}: ", index + 1) } else { String::new() };
            found.extend(delivery(expected, now, *time).into_iter().map(|text| format!("{place}{text}")));
        }
        found
    }

    pub(super) fn validation_differences(&self, now: &Delivered) -> Vec<String> {
        match (&self.validation, &now.result) {
            (None, _) => vec!["validation: nothing is expected, and the case has no events".to_owned()],
            (Some(Ok(())), Ok(())) => Vec::new(),
            (Some(Ok(())), Err(failure)) => vec![format!("validation: expected to pass, now {failure}")],
            (Some(Err(expected)), result) => expected.difference(result.as_ref().err()),
        }
    }
}

impl ExpectedFailure {
    fn difference(&self, now: Option<&Failure>) -> Vec<String> {
        let Some(now) = now else { return vec![format!("outcome: expected {self:?}, now a commit")] };
        let (kind, after_ms) = match now {
            Failure::Retry { after_ms, .. } => ("retry", *after_ms),
            Failure::Reject { .. } => ("reject", None),
            Failure::Misconfigured { .. } => ("misconfigured", None),
        };
        let same_text = self.message.as_deref().is_none_or(|message| message == now.message());
        if self.kind == kind && self.code == now.code() && self.after_ms == after_ms && same_text {
            return Vec::new();
        }
        vec![format!("outcome: expected {self:?}, now {now}")]
    }
}

fn delivery(expected: &Result<Effects, ExpectedFailure>, now: &Delivered, time: Timestamp) -> Vec<String> {
    let effects = match (expected, &now.result) {
        (Ok(effects), Ok(())) => effects,
        (Ok(_), Err(failure)) => return vec![format!("outcome: expected a commit, now {failure}")],
        (Err(expected), result) => return expected.difference(result.as_ref().err()),
    };
    let mut found = Vec::new();
    let plain = |event: &NewEvent| plain(event, time);
    list("emitted", &effects.emitted, &now.emitted, plain, &mut found);
    let state: BTreeMap<&String, Option<Vec<u8>>> =
        now.state_writes.iter().map(|(key, value)| (key, value.as_deref().map(canonical))).collect();
    for key in effects.state.keys().chain(now.state_writes.keys().filter(|key| !effects.state.contains_key(*key))) {
        let (before, after) = (effects.state.get(key), state.get(key));
        if before != after {
            found.push(format!("state `{key}`: expected {}, now {}", value(before), value(after)));
        }
    }
    let timer = |timer: &Timer| Timer { event: plain(&timer.event), ..timer.clone() };
    list("timers set", &effects.timers_set, &now.timers_set, timer, &mut found);
    // Cancelling a timer that is not set has no effect, so it is not expected.
    for key in effects.timers_cancelled.iter().filter(|key| !now.timers_cancelled.contains(key)) {
        found.push(format!("timer `{key}`: expected a cancellation, now none"));
    }
    list("requests", &effects.sent, &now.sent, request, &mut found);
    found
}

/// An event as the host sees it: with its time, its extensions sorted, and JSON in its one form.
fn plain(event: &NewEvent, time: Timestamp) -> NewEvent {
    let mut event = event.clone();
    event.time = Some(event.time.unwrap_or(time));
    event.extensions.sort();
    event.data = canonical(&event.data);
    event
}

/// The host writes field names in lower case.
fn request(send: &OutboxRequest) -> OutboxRequest {
    let mut send = send.clone();
    send.request.headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    send.request.headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    send.request.body = send.request.body.as_deref().map(canonical);
    send
}

fn list<E: Debug + PartialEq>(what: &str, expected: &[E], now: &[E], plain: impl Fn(&E) -> E, found: &mut Vec<String>) {
    for index in 0..expected.len().max(now.len()) {
        let (old, new) = (expected.get(index).map(&plain), now.get(index).map(&plain));
        if old != new {
            let shown = |one: &Option<E>| one.as_ref().map_or_else(|| "nothing".to_owned(), |one| format!("{one:?}"));
            found.push(format!("{what}[{index}]: expected {}, now {}", shown(&old), shown(&new)));
        }
    }
}

fn value(value: Option<&Option<Vec<u8>>>) -> String {
    match value {
        None => "no write".to_owned(),
        Some(None) => "a deletion".to_owned(),
        Some(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
