//! What a long run needs to know of each request: that its effect happened once, under one key, and in order where order is
//! promised. Knows neither HTTP nor weather.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

/// Everything recorded.
#[derive(Debug, Default)]
pub struct Book {
    /// Idempotency key → hash of method, path and body.
    requests: HashMap<u128, u64>,
    /// Key of a tally → how often each of its numbers took effect.
    tallied: HashMap<String, Vec<u8>>,
    /// Anything else that was asked → how often it took effect.
    effects: HashMap<String, u32>,
    /// Marks in the comments of listed leads → entries.
    listed: HashMap<String, u32>,
    /// Entry → the newest revision.
    revisions: HashMap<String, u64>,
    /// Requests that did something.
    pub applied: u64,
    /// Requests whose key was known: the effect had happened before.
    pub repeated: u64,
    /// Requests that met bad weather before they did anything.
    pub refused: u64,
    /// Whatever a sender must not do.
    pub violations: Vec<String>,
}

/// What to answer.
pub(super) struct Taken {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Book {
    /// How often an entry of a key took effect here.
    pub fn tallied(&self, key: &str, number: u64) -> u32 {
        let numbers = self.tallied.get(key);
        numbers.and_then(|numbers| numbers.get(usize::try_from(number).ok()?)).copied().unwrap_or_default().into()
    }

    /// Effects of entries of keys.
    pub fn tallied_in_all(&self) -> usize {
        self.tallied.values().flatten().filter(|times| **times > 0).count()
    }

    /// Entries with a mark in their comments.
    pub fn listed(&self, mark: &str) -> u32 {
        self.listed.get(mark).copied().unwrap_or_default()
    }

    /// Marks that are listed.
    pub fn marks(&self) -> impl Iterator<Item = (&String, &u32)> {
        self.listed.iter()
    }

    /// Takes a request that reaches the CRM. Says whether it did something.
    pub(super) fn take(&mut self, method: &str, path: &str, key: Option<&str>, body: &Value) -> (Taken, bool) {
        let Some(number) = key.and_then(|key| u128::from_str_radix(key, 16).ok()) else {
            self.violations.push(format!("{method} {path} without a usable idempotency key: {key:?}"));
            return (Taken { status: 400, body: json!({}) }, false);
        };
        let mut hasher = DefaultHasher::new();
        (method, path, body.to_string()).hash(&mut hasher);
        let digest = hasher.finish();
        let answer = answer(method, body);
        if let Some(known) = self.requests.get(&number) {
            if *known != digest {
                self.violations.push(format!("key {number:032x} came again with another request: {method} {path}"));
            }
            self.repeated += 1;
            return (answer, false);
        }
        self.requests.insert(number, digest);
        self.applied += 1;
        self.note(method, path, body);
        (answer, true)
    }

    fn note(&mut self, method: &str, path: &str, body: &Value) {
        let lead = body["leadId"].as_str().unwrap_or_default().to_owned();
        let revision = body["revision"].as_u64().unwrap_or_default();
        let meaning = match (method, path) {
            ("POST", "/call-list/entries") => {
                if self.revisions.insert(lead.clone(), revision).is_some() {
                    self.violations.push(format!("lead {lead} was listed a second time"));
                }
                *self.listed.entry(mark(body)).or_default() += 1;
                return;
            }
            ("PUT", _) => {
                let newest = self.revisions.entry(lead.clone()).or_default();
                if *newest >= revision {
                    self.violations.push(format!("lead {lead}: revision {revision} came after {newest}"));
                }
                *newest = revision;
                return;
            }
            ("POST", path) if path.starts_with("/tally/") => {
                let number =
                    body["number"].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
                let numbers = self.tallied.entry(body["key"].as_str().unwrap_or_default().to_owned()).or_default();
                numbers.resize(numbers.len().max(number + 1), 0);
                numbers[number] += 1;
                return;
            }
            (_, path) => format!("{path}/{}", body["level"]),
        };
        let times = self.effects.entry(meaning).or_default();
        *times += 1;
        if *times > 1 {
            self.violations.push(format!("{method} {path} took effect {times} times, under as many keys: {body}"));
        }
    }
}

/// The lead's id in square brackets at the end of what the customer wrote.
fn mark(body: &Value) -> String {
    let comments = body["customer"]["comments"].as_str().or_else(|| body["comments"].as_str()).unwrap_or_default();
    let mark = comments.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    mark.map_or_else(|| format!("no mark: {comments}"), |(mark, _)| mark.to_owned())
}

/// The same for the same request, so that nothing has to be kept for it.
fn answer(method: &str, body: &Value) -> Taken {
    let mut hasher = DefaultHasher::new();
    body["leadId"].as_str().unwrap_or_default().hash(&mut hasher);
    let id = format!("E-{:x}", hasher.finish());
    Taken { status: if method == "POST" { 201 } else { 200 }, body: json!({ "entryId": id }) }
}
