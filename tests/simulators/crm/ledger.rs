//! The requests that the CRM received and their effects. Pure bookkeeping: it knows neither HTTP nor timeouts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::SystemTime;

use serde_json::{Value, json};

/// A received request.
#[derive(Clone, Debug)]
pub struct Received {
    /// Time.
    pub at: SystemTime,
    /// `POST` or `PUT`.
    pub method: String,
    /// Path.
    pub path: String,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// The body; `null` if it was not JSON.
    pub body: Value,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Applied.
    Applied,
    /// Not applied, because the key was known: the same response as before.
    Repeated,
    /// Refused with this status.
    Refused(u16),
}

/// One entry of the call list.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The CRM's id.
    pub id: String,
    /// The lead.
    pub lead_id: String,
    /// When it was created.
    pub made_at: SystemTime,
    /// Revisions in order of arrival.
    pub revisions: Vec<u64>,
    /// Current content.
    pub body: Value,
    /// Levels of escalation in order of arrival.
    pub escalations: Vec<u64>,
}

impl Entry {
    /// The customer's comments; may be empty.
    pub fn comments(&self) -> &str {
        let customer = &self.body["customer"]["comments"];
        customer.as_str().or_else(|| self.body["comments"].as_str()).unwrap_or_default()
    }
}

/// All data of the CRM.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every request, oldest first.
    pub requests: Vec<Received>,
    /// The call list by the CRM's id.
    pub entries: BTreeMap<String, Entry>,
    /// Violations by senders.
    pub violations: Vec<String>,
    answers: HashMap<String, (String, Value, u16, Value)>,
    /// The leads that are listed.
    listed: BTreeSet<String>,
}

/// The response.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Ledger {
    /// Entries of one lead.
    pub fn of_lead(&self, lead_id: &str) -> Vec<&Entry> {
        self.entries.values().filter(|entry| entry.lead_id == lead_id).collect()
    }

    /// Entries whose comments contain a text.
    pub fn with_comments(&self, text: &str) -> Vec<&Entry> {
        self.entries.values().filter(|entry| entry.comments().contains(text)).collect()
    }

    /// Requests that were applied.
    pub fn applied(&self) -> usize {
        self.requests.iter().filter(|request| request.outcome == Outcome::Applied).count()
    }

    /// Requests with a known key.
    pub fn repeated(&self) -> usize {
        self.requests.iter().filter(|request| request.outcome == Outcome::Repeated).count()
    }

    /// # Panics
    /// If a sender violated a rule, or a lead is listed twice.
    pub fn assert_clean(&self) {
        assert!(self.violations.is_empty(), "violations at the CRM: {:#?}\n{}", self.violations, self.summary());
        let leads: BTreeSet<_> = self.entries.values().map(|entry| &entry.lead_id).collect();
        assert_eq!(leads.len(), self.entries.len(), "a lead is listed twice:\n{}", self.summary());
    }

    /// A summary for people.
    pub fn summary(&self) -> String {
        let line = |one: &Received| {
            let key = one.key.as_deref().unwrap_or("no key");
            format!("  {} {} [{key}] {:?}\n", one.method, one.path, one.outcome)
        };
        let skipped = self.requests.len().saturating_sub(40);
        let lines: String = self.requests.iter().skip(skipped).map(line).collect();
        format!("{} requests, {} entries; the last:\n{lines}", self.requests.len(), self.entries.len())
    }

    /// Handles a request normally.
    pub(super) fn take(&mut self, method: &str, path: &str, key: Option<&str>, body: &Value) -> Reply {
        let Some(key) = key else {
            self.violations.push(format!("{method} {path} without an idempotency key"));
            return self.refuse(method, path, None, body, 400);
        };
        let request = format!("{method} {path}");
        if let Some((known_request, known_body, status, answer)) = self.answers.get(key).cloned() {
            if known_request != request || known_body != *body {
                self.violations.push(format!("key {key} came again with another request or body"));
                return self.refuse(method, path, Some(key), body, 422);
            }
            self.record(method, path, Some(key), body, Outcome::Repeated);
            return Reply { status, body: answer };
        }
        let segments: Vec<&str> = path.trim_start_matches("/call-list/entries").split('/').collect();
        let done = match (method, segments.as_slice()) {
            ("POST", [""]) => self.list(body),
            ("PUT", ["", id]) => self.update(id, body),
            ("POST", ["", id, "escalations"]) => self.escalate(id, body),
            _ => Err((404, format!("{request} is not part of the API"))),
        };
        match done {
            Ok((status, answer)) => {
                self.record(method, path, Some(key), body, Outcome::Applied);
                self.answers.insert(key.to_owned(), (request, body.clone(), status, answer.clone()));
                Reply { status, body: answer }
            }
            Err((status, why)) => {
                self.violations.push(why);
                self.refuse(method, path, Some(key), body, status)
            }
        }
    }

    /// Records a request that is refused.
    pub(super) fn refuse(&mut self, method: &str, path: &str, key: Option<&str>, body: &Value, status: u16) -> Reply {
        self.record(method, path, key, body, Outcome::Refused(status));
        Reply { status, body: json!({ "error": status }) }
    }

    fn record(&mut self, method: &str, path: &str, key: Option<&str>, body: &Value, outcome: Outcome) {
        self.requests.push(Received {
            at: SystemTime::now(),
            method: method.to_owned(),
            path: path.to_owned(),
            key: key.map(str::to_owned),
            body: body.clone(),
            outcome,
        });
    }

    fn list(&mut self, body: &Value) -> Result<(u16, Value), (u16, String)> {
        let lead_id = body["leadId"].as_str().ok_or((400, "an entry without leadId".to_owned()))?.to_owned();
        let revision = body["revision"].as_u64().ok_or((400, format!("{lead_id} without revision")))?;
        if !self.listed.insert(lead_id.clone()) {
            // A real CRM would have two entries now, so this one has too.
            self.violations.push(format!("lead {lead_id} was listed a second time"));
        }
        let id = format!("E-{}", 1001 + self.entries.len());
        self.entries.insert(
            id.clone(),
            Entry {
                id: id.clone(),
                lead_id,
                made_at: SystemTime::now(),
                revisions: vec![revision],
                body: body.clone(),
                escalations: Vec::new(),
            },
        );
        Ok((201, json!({ "entryId": id })))
    }

    fn update(&mut self, id: &str, body: &Value) -> Result<(u16, Value), (u16, String)> {
        let entry = self.entries.get_mut(id).ok_or((404, format!("update of the unknown entry {id}")))?;
        let revision = body["revision"].as_u64().ok_or((400, format!("update of {id} without revision")))?;
        if body["leadId"] != entry.lead_id.as_str() || entry.revisions.iter().any(|known| *known >= revision) {
            return Err((409, format!("update of {id} with another lead or the old revision {revision}")));
        }
        entry.revisions.push(revision);
        entry.body = body.clone();
        Ok((200, json!({ "entryId": id })))
    }

    fn escalate(&mut self, id: &str, body: &Value) -> Result<(u16, Value), (u16, String)> {
        let entry = self.entries.get_mut(id).ok_or((404, format!("escalation of the unknown entry {id}")))?;
        let level = body["level"].as_u64().ok_or((400, format!("escalation of {id} without level")))?;
        if entry.escalations.contains(&level) {
            return Err((409, format!("level {level} of {id} came twice")));
        }
        entry.escalations.push(level);
        Ok((202, json!({})))
    }
}
