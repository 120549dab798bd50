//! Compares what a delivery did with what was recorded of it. A pure function of both.
//!
//! Compares outcome, emitted events, state writes, timers and requests. Ignores what the host sets by itself: ids of
//! new events (they contain an event's index among the emitted ones), and the texts of its own failures. Logs and
//! business metrics are not effects, and are not compared.

use std::collections::BTreeMap;

use serde_json::Value;

use handoff_model::effects::{Effects, OutboxRequest, TimerRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_store::RecordedEffects;

use super::fields::{self, FieldChange, Fields};

/// The kind of effect that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whether it committed, and how it failed.
    Outcome,
    /// Events emitted.
    Emitted,
    /// State keys written or removed.
    State,
    /// Timers set or cancelled.
    Timer,
    /// Outbox requests.
    Request,
}

/// How it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the new delivery has it.
    Added,
    /// Only the recording has it.
    Removed,
    /// Both have it, with different content.
    Changed,
    /// Both have the same ones in a different order.
    Reordered,
}

/// One difference between a recorded delivery and the same delivery now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The kind of effect.
    pub kind: Kind,
    /// How it differs.
    pub change: Change,
    /// What many differences have in common: an event type, the shape of a key, a method and a host.
    pub what: String,
    /// Which one: a key, or an event type.
    pub name: String,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// How many more fields differ.
    pub fields_left_out: usize,
}

/// How closely to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Effects as others see them: ids of new events may differ.
    Effects,
    /// Every byte.
    Bytes,
}

/// Every difference, by kind.
pub(super) fn compare(
    recorded: &Result<RecordedEffects, Failure>,
    now: &Result<Effects, Failure>,
    strictness: Strictness,
) -> Vec<Difference> {
    let mut found = Vec::new();
    match (recorded, now) {
        (Ok(recorded), Ok(now)) => {
            emitted(&recorded.emitted, &now.emitted, strictness, &mut found);
            state(recorded, now, &mut found);
            timers(recorded, now, strictness, &mut found);
            requests(&recorded.requests, &now.outbox, &mut found);
        }
        (Ok(_), Err(failure)) => found.push(outcome("committed", None, &failure.code, Some(failure))),
        (Err(failure), Ok(_)) => found.push(outcome(&failure.code, Some(failure), "committed", None)),
        (Err(recorded), Err(now)) => {
            if plain(recorded) != plain(now) {
                found.push(outcome(&recorded.code, Some(recorded), &now.code, Some(now)));
            }
        }
    }
    found
}

/// A failure without texts of the host: they contain code locations and times.
fn plain(failure: &Failure) -> Failure {
    let mut failure = failure.clone();
    if failure.is_crash() {
        failure.message.clear();
    }
    failure
}

fn outcome(before: &str, recorded: Option<&Failure>, after: &str, now: Option<&Failure>) -> Difference {
    let words = |failure: Option<&Failure>| failure.map_or_else(|| "committed".into(), fields::of_failure);
    let fields = Fields::between(Some(&words(recorded)), Some(&words(now)));
    difference(Kind::Outcome, Change::Changed, format!("{before} → {after}"), after.to_owned(), fields)
}

fn difference(kind: Kind, change: Change, what: String, name: String, fields: Fields) -> Difference {
    Difference { kind, change, what, name: fields::cut(&name), fields: fields.named, fields_left_out: fields.left_out }
}

fn emitted(recorded: &[Event], now: &[Event], strictness: Strictness, found: &mut Vec<Difference>) {
    let comparable = |events: &[Event]| -> Vec<Option<Event>> {
        events.iter().map(|event| Some(without_id(event, strictness))).collect()
    };
    let (mut before, mut after) = (comparable(recorded), comparable(now));
    if before == after {
        return;
    }
    for old in &mut before {
        if let Some(same) = after.iter_mut().find(|new| new.is_some() && **new == *old) {
            (*old, *same) = (None, None);
        }
    }
    let is_all = before.iter().chain(&after).all(Option::is_none);
    if is_all {
        let what = "order of events".to_owned();
        found.push(difference(Kind::Emitted, Change::Reordered, what.clone(), what, Fields::default()));
        return;
    }
    for old in before.into_iter().flatten() {
        let same_type = |new: &Option<Event>| new.as_ref().is_some_and(|new| new.type_name == old.type_name);
        let new = after.iter_mut().find(|new| same_type(new)).and_then(Option::take);
        found.push(event_difference(Kind::Emitted, &old.type_name, Some(&old), new.as_ref()));
    }
    found.extend(after.iter().flatten().map(|new| event_difference(Kind::Emitted, &new.type_name, None, Some(new))));
}

fn event_difference(kind: Kind, name: &str, recorded: Option<&Event>, now: Option<&Event>) -> Difference {
    let what = recorded.or(now).map_or_else(String::new, |event| event.type_name.clone());
    changed(kind, what, name, recorded.map(fields::of_event), now.map(fields::of_event))
}

fn changed(kind: Kind, what: String, name: &str, recorded: Option<Value>, now: Option<Value>) -> Difference {
    let change = match (&recorded, &now) {
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    };
    let fields = Fields::between(recorded.as_ref(), now.as_ref());
    difference(kind, change, what, name.to_owned(), fields)
}

fn without_id(event: &Event, strictness: Strictness) -> Event {
    let mut event = event.clone();
    if strictness == Strictness::Effects {
        event.id.clear();
    }
    event
}

fn state(recorded: &RecordedEffects, now: &Effects, found: &mut Vec<Difference>) {
    let before: BTreeMap<&String, &Option<Vec<u8>>> =
        recorded.state_writes.iter().map(|(key, value)| (key, value)).collect();
    let words = |value: Option<&Option<Vec<u8>>>| {
        value.map(|value| value.as_ref().map_or_else(|| Value::from("(removed)"), |bytes| fields::of_bytes(bytes)))
    };
    let added = now.state_writes.keys().filter(|key| !before.contains_key(key));
    for key in before.keys().copied().chain(added) {
        let (old, new) = (before.get(key).copied(), now.state_writes.get(key));
        if old != new {
            found.push(changed(Kind::State, shape(key), key, words(old), words(new)));
        }
    }
}

/// The part of a key that similar keys have in common.
fn shape(key: &str) -> String {
    let shape = match key.rsplit_once('/') {
        Some((start, _)) => format!("{start}/*"),
        None => key.to_owned(),
    };
    shape.chars().take(60).map(|letter| if letter.is_ascii_digit() { '#' } else { letter }).collect()
}

fn timers(recorded: &RecordedEffects, now: &Effects, strictness: Strictness, found: &mut Vec<Difference>) {
    let comparable = |timer: &TimerRequest| TimerRequest { at: timer.at, event: without_id(&timer.event, strictness) };
    let before: BTreeMap<&String, TimerRequest> =
        recorded.timers_set.iter().map(|(key, timer)| (key, comparable(timer))).collect();
    let after: BTreeMap<&String, TimerRequest> =
        now.timers_set.iter().map(|(key, timer)| (key, comparable(timer))).collect();
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let (old, new) = (before.get(key), after.get(key));
        if old != new {
            let what = old.or(new).map_or_else(String::new, |timer| timer.event.type_name.clone());
            found.push(changed(Kind::Timer, what, key, old.map(fields::of_timer), new.map(fields::of_timer)));
        }
    }
    let cancelled = |key: &String| changed(Kind::Timer, "cancelled".to_owned(), key, None, Some("cancelled".into()));
    let kept = |key: &String| changed(Kind::Timer, "cancelled".to_owned(), key, Some("cancelled".into()), None);
    found.extend(now.timers_cancelled.iter().filter(|key| !recorded.timers_cancelled.contains(key)).map(cancelled));
    found.extend(recorded.timers_cancelled.iter().filter(|key| !now.timers_cancelled.contains(key)).map(kept));
}

fn requests(recorded: &[OutboxRequest], now: &[OutboxRequest], found: &mut Vec<Difference>) {
    if recorded == now {
        return;
    }
    let named = |requests: &[OutboxRequest], key: &str| requests.iter().find(|one| one.key == key).cloned();
    let added = now.iter().filter(|one| named(recorded, &one.key).is_none());
    let before = found.len();
    for key in recorded.iter().chain(added).map(|one| &one.key) {
        let (old, new) = (named(recorded, key), named(now, key));
        if old != new {
            let what = old.as_ref().or(new.as_ref()).map_or_else(String::new, target);
            let words = |request: &OutboxRequest| fields::of_request(request);
            found.push(changed(Kind::Request, what, key, old.as_ref().map(words), new.as_ref().map(words)));
        }
    }
    if found.len() == before {
        let what = "order of requests".to_owned();
        found.push(difference(Kind::Request, Change::Reordered, what.clone(), what, Fields::default()));
    }
}

/// Method and host: what requests to one system have in common.
fn target(request: &OutboxRequest) -> String {
    let url = url::Url::parse(&request.request.url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("(no host)");
    fields::cut(&format!("{} {host}", request.request.method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_model::http::Request;
    use handoff_model::time::Timestamp;

    fn event(id: &str, type_name: &str, data: &str) -> Event {
        Event {
            id: id.to_owned(),
            source: "/rooftops/a/installations/b".to_owned(),
            type_name: type_name.to_owned(),
            subject: None,
            time: Some(Timestamp(5)),
            data_content_type: None,
            data_schema: None,
            extensions: BTreeMap::new(),
            data: data.into(),
        }
    }

    fn request(key: &str, body: &str) -> OutboxRequest {
        let request = Request {
            method: "POST".to_owned(),
            url: "https://crm.example/leads".to_owned(),
            headers: Vec::new(),
            body: Some(body.into()),
            auth: None,
            timeout_ms: None,
        };
        OutboxRequest { key: key.to_owned(), request, answer: false, partition_key: None }
    }

    fn words(found: &[Difference]) -> Vec<String> {
        let word = |one: &Difference| {
            let paths: Vec<&str> = one.fields.iter().map(|field| field.path.as_str()).collect();
            format!("{:?} {:?} {} ({}) {}", one.kind, one.change, one.what, one.name, paths.join(","))
        };
        found.iter().map(word).collect()
    }

    #[test]
    fn each_sort_of_effect_is_compared_and_ids_of_the_host_are_not() {
        let recorded = RecordedEffects {
            emitted: vec![event("1", "a.v1", "{\"n\":1}"), event("2", "b.v1", "x")],
            state_writes: vec![("lead/7".to_owned(), Some(b"{\"n\":1}".to_vec())), ("gone".to_owned(), None)],
            timers_set: vec![("t".to_owned(), TimerRequest { at: Timestamp(9), event: event("3", "t.v1", "") })],
            timers_cancelled: vec!["old".to_owned()],
            requests: vec![request("k1", "1"), request("k2", "2")],
            requests_repeated: Vec::new(),
        };
        let same = Effects {
            emitted: vec![event("x", "a.v1", "{\"n\":1}"), event("y", "b.v1", "x")],
            state_writes: recorded.state_writes.iter().cloned().collect(),
            timers_set: recorded.timers_set.iter().cloned().collect(),
            timers_cancelled: recorded.timers_cancelled.clone(),
            outbox: recorded.requests.clone(),
            metrics: Vec::new(),
        };
        let differences = |now: Effects, strictness| words(&compare(&Ok(recorded.clone()), &Ok(now), strictness));
        assert_eq!(differences(same.clone(), Strictness::Effects), Vec::<String>::new());
        assert_eq!(differences(same.clone(), Strictness::Bytes).len(), 2, "ids count in a replay");
        let mut other = same.clone();
        other.emitted = vec![event("1", "a.v1", "{\"n\":2}"), event("2", "c.v1", "")];
        other.state_writes = [("lead/7".to_owned(), Some(b"{\"n\":3}".to_vec()))].into();
        other.timers_set.clear();
        other.timers_cancelled.clear();
        other.outbox = vec![request("k2", "2"), request("k3", "3")];
        assert_eq!(
            differences(other, Strictness::Effects),
            [
                "Emitted Changed a.v1 (a.v1) data.n",
                "Emitted Removed b.v1 (b.v1) ",
                "Emitted Added c.v1 (c.v1) ",
                "State Removed gone (gone) ",
                "State Changed lead/* (lead/7) n",
                "Timer Removed t.v1 (t) ",
                "Timer Removed cancelled (old) ",
                "Request Removed POST crm.example (k1) ",
                "Request Added POST crm.example (k3) ",
            ]
        );
        let mut turned = same;
        turned.emitted.reverse();
        turned.outbox.reverse();
        assert_eq!(
            differences(turned, Strictness::Effects),
            [
                "Emitted Reordered order of events (order of events) ",
                "Request Reordered order of requests (order of requests) "
            ]
        );
    }

    #[test]
    fn an_outcome_is_its_kind_its_code_and_the_connectors_own_words() {
        let failed = |code: &str, message: &str| Err(Failure::retry(code, message));
        let found = |recorded: Failure, now: Result<Effects, Failure>| {
            words(&compare(&Err(recorded), &now, Strictness::Effects))
        };
        let ok: Result<Effects, Failure> = Ok(Effects::default());
        assert_eq!(found(Failure::retry("trap", "at 1"), failed("trap", "at 2")), Vec::<String>::new());
        assert_eq!(
            found(Failure::retry("crm", "at 1"), failed("crm", "at 2")),
            ["Outcome Changed crm → crm (crm) message"]
        );
        assert_eq!(found(Failure::retry("crm", "a"), ok.clone()), ["Outcome Changed crm → committed (committed) "]);
        let now = failed("trap", "x");
        let found = compare(&Ok(RecordedEffects::default()), &now, Strictness::Effects);
        assert_eq!(words(&found), ["Outcome Changed committed → trap (trap) "]);
    }
}
