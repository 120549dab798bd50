//! What a long run needs to know of each request: that its effect happened once, with one key, and in order where order
//! is promised. It knows neither HTTP nor misbehaviour.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

/// All records.
#[derive(Debug, Default)]
pub struct Book {
    /// Idempotency key → hash of method, path and body.
    requests: HashMap<u128, u64>,
    /// Key of a tally → how often each of its numbers took effect.
    tallied: HashMap<String, Vec<u8>>,
    /// Other requests → how often each took effect.
    effects: HashMap<String, u32>,
    /// Marks in the comments of listed leads → number of entries.
    listed: HashMap<String, u32>,
    /// Lead → how often each of its revisions took effect.
    revisions: HashMap<String, Vec<u8>>,
    /// Requests that took effect.
    pub applied: u64,
    /// Requests with a known key: the effect had already happened.
    pub repeated: u64,
    /// Revisions that arrived after later ones: retried requests may be overtaken, which is allowed.
    pub overtaken: u64,
    /// Requests that were disturbed before they took effect.
    pub refused: u64,
    /// Violations by senders.
    pub violations: Vec<String>,
}

/// The response.
pub(super) struct Taken {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Book {
    /// How often an entry of a key took effect.
    pub fn tallied(&self, key: &str, number: u64) -> u32 {
        let numbers = self.tallied.get(key);
        numbers.and_then(|numbers| numbers.get(usize::try_from(number).ok()?)).copied().unwrap_or_default().into()
    }

    /// Number of effects of entries of keys.
    pub fn tallied_in_all(&self) -> usize {
        self.tallied.values().flatten().filter(|times| **times > 0).count()
    }

    /// Number of entries with a mark in their comments.
    pub fn listed(&self, mark: &str) -> u32 {
        self.listed.get(mark).copied().unwrap_or_default()
    }

    /// All listed marks.
    pub fn marks(&self) -> impl Iterator<Item = (&String, &u32)> {
        self.listed.iter()
    }

    /// Handles a request. Returns whether it took effect.
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
                if self.revisions.contains_key(&lead) {
                    self.violations.push(format!("lead {lead} was listed a second time"));
                }
                count(self.revisions.entry(lead).or_default(), revision);
                *self.listed.entry(mark(body)).or_default() += 1;
                return;
            }
            ("PUT", _) => {
                let known = self.revisions.entry(lead.clone()).or_default();
                let is_newest = usize::try_from(revision).is_ok_and(|revision| revision >= known.len());
                self.overtaken += u64::from(!is_newest);
                if count(known, revision) > 1 {
                    self.violations.push(format!("lead {lead}: revision {revision} came under a second key"));
                }
                return;
            }
            ("POST", path) if path.starts_with("/tally/") => {
                let key = body["key"].as_str().unwrap_or_default().to_owned();
                count(self.tallied.entry(key).or_default(), body["number"].as_u64().unwrap_or_default());
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

/// Counts a number; returns how often it was counted.
fn count(counts: &mut Vec<u8>, number: u64) -> u8 {
    let Ok(place) = usize::try_from(number) else { return 0 };
    counts.resize(counts.len().max(place + 1), 0);
    counts[place] = counts[place].saturating_add(1);
    counts[place]
}

/// The lead's id in square brackets at the end of the customer's comments.
fn mark(body: &Value) -> String {
    let comments = body["customer"]["comments"].as_str().or_else(|| body["comments"].as_str()).unwrap_or_default();
    let mark = comments.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    mark.map_or_else(|| format!("no mark: {comments}"), |(mark, _)| mark.to_owned())
}

/// Deterministic, so that responses need not be stored.
fn answer(method: &str, body: &Value) -> Taken {
    let mut hasher = DefaultHasher::new();
    body["leadId"].as_str().unwrap_or_default().hash(&mut hasher);
    let id = format!("E-{:x}", hasher.finish());
    Taken { status: if method == "POST" { 201 } else { 200 }, body: json!({ "entryId": id }) }
}
