//! What an event makes the scripted connector do: a pure function that both the connector and the model run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use handoff_model::effects::{Effects, OutboxRequest, ReadSet, ScannedRange, TimerRequest};
use handoff_model::event::{Event, PARTITION_KEY, host_types};
use handoff_model::failure::Failure;
use handoff_model::http::Request;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::model::handled;

/// The first event that every commit emits; no installation accepts it. Its position in the log is the commit's
/// position in the order of commits.
pub(super) const MARKER: &str = "done";
/// The extension attribute in which a scripted event says the scope that it was made in.
pub(super) const AT: &str = "at";
/// Prefix of keys that all deliveries of an installation share.
const SHARED: &str = "k/";

/// The script of one event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Script {
    /// Attempts that fail first.
    pub(super) fails: u8,
    pub(super) how: Failing,
    pub(super) end: End,
    /// How often it yields to other tasks.
    pub(super) steps: u8,
    pub(super) takes_ms: u16,
    pub(super) reads: Vec<u8>,
    /// Scans up to this many shared keys.
    pub(super) scans: Option<u8>,
    pub(super) writes: Vec<u8>,
    pub(super) deletes: Option<u8>,
    pub(super) emits: Vec<(Option<u8>, Script)>,
    /// Emits an event that other deliveries emit as well.
    pub(super) repeats: Option<u8>,
    pub(super) sets: Option<Timer>,
    pub(super) cancels: Option<u8>,
    pub(super) sends: Vec<Send>,
    pub(super) looks_up: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Failing {
    #[default]
    Retry,
    After(u16),
    Panic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum End {
    #[default]
    Commit,
    Reject,
    /// A bad generation reports a wrong config; others commit.
    Picky,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Timer {
    pub(super) key: u8,
    pub(super) after_ms: u16,
    pub(super) partition: Option<u8>,
    pub(super) then: Box<Script>,
}

/// A request, and the target's reaction to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Send {
    /// The number of a request that several events make; none for one of its own.
    pub(super) shared: Option<u8>,
    pub(super) answer: bool,
    pub(super) partition: Option<u8>,
    pub(super) target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    /// Attempts that get no answer.
    pub(super) fails: u8,
    /// How many of these end with a panic.
    pub(super) panics: u8,
    /// How often egress is not ready, before anything is sent.
    pub(super) not_now: u8,
    pub(super) refuses: bool,
    pub(super) takes_ms: u16,
}

/// The body of a request: it tells the target what to do, and the model where it belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) installation: String,
    pub(super) key: String,
    pub(super) target: Target,
}

/// The context of one attempt.
pub(super) struct Part<'a> {
    pub(super) installation: &'a str,
    /// The scope in which it runs.
    pub(super) scope: &'a Scope,
    pub(super) generation: u64,
    pub(super) attempt: u32,
    pub(super) now: Timestamp,
    /// Whether its generation is bad.
    pub(super) bad: bool,
    /// Delivered again after the cause of the failure was repaired.
    pub(super) healed: bool,
    pub(super) event: &'a Event,
}

/// How an attempt ends without effects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Broken {
    Failure(Failure),
    Panic,
}

/// What was read: key → value. For a scan, everything found, under the name of the scan.
pub(super) type Seen = BTreeMap<String, Option<Vec<u8>>>;

impl Script {
    pub(super) fn of(event: &Event) -> Self {
        if event.type_name == host_types::OUTBOX_ANSWERED {
            return Self { writes: vec![0], ..Self::default() };
        }
        postcard::from_bytes(&event.data).expect("a script")
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain data")
    }

    /// The attempt after which it becomes a dead letter, if it does.
    pub(super) fn dies_at(&self, attempts_max: u32) -> Option<u32> {
        let fails = u32::from(self.fails);
        if fails >= attempts_max {
            return Some(attempts_max);
        }
        (self.end == End::Reject).then_some(fails + 1)
    }

    pub(super) fn keys(&self, event: &Event) -> Vec<String> {
        let shared = self.reads.iter().chain(&self.writes).map(|key| shared(*key));
        shared.chain(event.partition_key().map(queue_key)).collect()
    }

    pub(super) fn scan(&self) -> Option<(&'static str, usize)> {
        self.scans.map(|limit| (SHARED, usize::from(limit)))
    }

    /// What the committer must know was read.
    pub(super) fn read_set(&self, event: &Event, scanned: &[String]) -> ReadSet {
        let scans = self.scan().map(|(prefix, limit)| ScannedRange {
            prefix: prefix.to_owned(),
            after: None,
            until: scanned.last().filter(|_| scanned.len() == limit).cloned(),
        });
        ReadSet { keys: self.keys(event).into_iter().collect(), scans: scans.into_iter().collect() }
    }

    /// The result of one attempt.
    pub(super) fn play(&self, part: &Part<'_>, seen: &Seen) -> Result<Effects, Broken> {
        if !part.healed {
            self.stumble(part)?;
        }
        let source = format!("{}/installations/{}", part.scope.path(), part.installation);
        let name = name(part.event);
        let event = |source: &str, id: &str, type_name: &str, key: Option<u8>, data: Vec<u8>| {
            event(part.scope, source, id, type_name, key, data)
        };
        let mut effects = Effects::default();
        let mut digest = Fnv::default();
        digest
            .add(part.installation.as_bytes())
            .add(part.scope.path().as_bytes())
            .add(name.as_bytes())
            .add(&part.generation.to_be_bytes());
        for (key, value) in seen {
            digest.add(key.as_bytes()).add(value.as_deref().unwrap_or(b"nothing"));
        }
        digest.add(&part.event.data);
        effects.state_writes.extend(self.deletes.map(|key| (shared(key), None)));
        let queue = part.event.partition_key().map(queue_key);
        for key in self.writes.iter().map(|key| shared(*key)).chain(queue) {
            let value = digest.add(key.as_bytes()).0.to_be_bytes().to_vec();
            effects.state_writes.insert(key, Some(value));
        }
        // A generation commits an entry once; another generation may commit it again, after a rollback.
        let marker = format!("done{}{name}", part.generation);
        effects.emitted.push(event(&source, &marker, MARKER, None, Vec::new()));
        for (index, (partition, script)) in self.emits.iter().enumerate() {
            effects.emitted.push(event(&source, &format!("{index}{name}"), "emitted", *partition, script.bytes()));
        }
        effects.emitted.extend(self.repeats.map(|number| repeated(part.scope, number)));
        if let Some(timer) = &self.sets {
            let id = format!("timer{}{name}", timer.key);
            let event = event(&source, &id, "timer", timer.partition, timer.then.bytes());
            let at = part.now.plus_ms(timer.after_ms.into());
            effects.timers_set.insert(timer.key.to_string(), TimerRequest { at, event });
        }
        effects.timers_cancelled = self.cancelled().map(|key| key.to_string()).into_iter().collect();
        effects.metrics.push(handled());
        for (index, send) in self.sends.iter().enumerate() {
            effects.outbox.push(send.request(part.installation, &format!("{index}{name}")));
        }
        Ok(effects)
    }

    pub(super) fn cancelled(&self) -> Option<u8> {
        self.cancels.filter(|key| self.sets.as_ref().is_none_or(|timer| timer.key != *key))
    }

    fn stumble(&self, part: &Part<'_>) -> Result<(), Broken> {
        if part.attempt <= self.fails.into() {
            return Err(match self.how {
                Failing::Retry => Broken::Failure(Failure::retry("scripted", "it fails")),
                Failing::After(ms) => Broken::Failure(Failure {
                    kind: handoff_model::failure::FailureKind::Retry { after_ms: Some(ms.into()) },
                    ..Failure::retry("scripted", "it fails")
                }),
                Failing::Panic => Broken::Panic,
            });
        }
        match self.end {
            End::Reject => Err(Broken::Failure(Failure::reject("scripted", "never"))),
            End::Picky if part.bad => Err(Broken::Failure(Failure {
                kind: handoff_model::failure::FailureKind::Misconfigured,
                ..Failure::reject("scripted", "the config is no good")
            })),
            _ => Ok(()),
        }
    }
}

impl Send {
    fn request(&self, installation: &str, own: &str) -> OutboxRequest {
        let key = self.shared.map_or_else(|| own.to_owned(), |shared| format!("shared-{shared}"));
        // A request that several events make is the same, whichever makes it first.
        let plain = Target { fails: 1, panics: 0, not_now: 0, refuses: false, takes_ms: 5 };
        let target = if self.shared.is_some() { plain } else { self.target };
        let body = Body { installation: installation.to_owned(), key: key.clone(), target };
        let request = Request {
            method: "POST".to_owned(),
            url: "https://crm.example/leads".to_owned(),
            headers: Vec::new(),
            body: Some(postcard::to_stdvec(&body).expect("plain data")),
            auth: None,
            timeout_ms: None,
        };
        let answer = self.shared.is_some() || self.answer;
        let partition_key = if self.shared.is_some() { None } else { self.partition.map(partition) };
        OutboxRequest { key, request, answer, partition_key }
    }
}

/// An event that several deliveries of a scope emit: equal, whichever emits it first. Other scopes have their own.
fn repeated(scope: &Scope, number: u8) -> Event {
    let script = Script { writes: vec![number % 4], ..Script::default() };
    event(scope, "/repeated", &number.to_string(), "emitted", Some(0), script.bytes())
}

/// The scope that a scripted event says it was made in, source and id. An answer says no scope: its source is unique.
pub(super) fn name(event: &Event) -> String {
    let at = event.extensions.get(AT).map_or("", String::as_str);
    format!("{at}{}{}", event.source, event.id)
}

pub(super) fn event(scope: &Scope, source: &str, id: &str, type_name: &str, key: Option<u8>, data: Vec<u8>) -> Event {
    let at = (AT.to_owned(), scope.to_string());
    Event {
        id: id.to_owned(),
        source: source.to_owned(),
        type_name: type_name.to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: key.map(|key| (PARTITION_KEY.to_owned(), partition(key))).into_iter().chain([at]).collect(),
        data,
    }
}

fn partition(key: u8) -> String {
    format!("p{key}")
}

fn shared(key: u8) -> String {
    format!("{SHARED}{key}")
}

fn queue_key(partition: &str) -> String {
    format!("queue/{partition}")
}

/// FNV-1a: enough to distinguish two histories.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }
}
