//! Compares a delivery with its recording, as sentences.

use crate::testkit::deliver::Delivered;
use crate::testkit::run::Timer;
use crate::{Failure, NewEvent, OutboxRequest, Request, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The recorded outcome.
pub(super) struct Expected {
    pub(super) time: Timestamp,
    pub(super) outcome: Result<Effects, Failure>,
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
    pub(super) fn differences(&self, delivered: &Delivered) -> Vec<String> {
        let mut found = Vec::new();
        let effects = match (&self.outcome, &delivered.result) {
            (Ok(effects), Ok(())) => effects,
            (Ok(_), Err(failure)) => return vec![format!("outcome: recorded a commit, now {failure}")],
            (Err(failure), Ok(())) => return vec![format!("outcome: recorded {failure}, now a commit")],
            (Err(recorded), Err(now)) => {
                // The host's message for a trap names locations in compiled code.
                let same = if recorded.code() == "trap" { recorded.code() == now.code() } else { recorded == now };
                return if same { found } else { vec![format!("outcome: recorded {recorded}, now {now}")] };
            }
        };
        let plain = |event: &NewEvent| self.plain(event);
        list("emitted", &effects.emitted, &delivered.emitted, plain, &mut found);
        for key in
            effects.state.keys().chain(delivered.state_writes.keys().filter(|key| !effects.state.contains_key(*key)))
        {
            let (recorded, now) = (effects.state.get(key), delivered.state_writes.get(key));
            if recorded != now {
                found.push(format!("state `{key}`: recorded {}, now {}", value(recorded), value(now)));
            }
        }
        let timer = |timer: &Timer| Timer { event: self.plain(&timer.event), ..timer.clone() };
        list("timers set", &effects.timers_set, &delivered.timers_set, timer, &mut found);
        // Cancelling a timer that is not set has no effect, so it was not recorded.
        for key in effects.timers_cancelled.iter().filter(|key| !delivered.timers_cancelled.contains(key)) {
            found.push(format!("timer `{key}`: recorded a cancellation, now none"));
        }
        list("sent", &effects.sent, &delivered.sent, lower, &mut found);
        found
    }

    /// An event as the host sees it: with its time, and its extensions sorted.
    fn plain(&self, event: &NewEvent) -> NewEvent {
        let mut event = event.clone();
        event.time = Some(event.time.unwrap_or(self.time));
        event.extensions.sort();
        event
    }
}

/// The host writes field names in lower case.
fn lower(send: &OutboxRequest) -> OutboxRequest {
    let mut send = send.clone();
    let Request { headers, .. } = &mut send.request;
    headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    send
}

fn list<E: Debug + PartialEq>(what: &str, recorded: &[E], now: &[E], plain: impl Fn(&E) -> E, found: &mut Vec<String>) {
    for index in 0..recorded.len().max(now.len()) {
        let (old, new) = (recorded.get(index).map(&plain), now.get(index).map(&plain));
        if old != new {
            let shown = |one: &Option<E>| one.as_ref().map_or_else(|| "nothing".to_owned(), |one| format!("{one:?}"));
            found.push(format!("{what}[{index}]: recorded {}, now {}", shown(&old), shown(&new)));
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
