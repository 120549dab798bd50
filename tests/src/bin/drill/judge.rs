//! After the storm: compares what the stopped host's store keeps and what the CRM got with what was sent. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use bad_release::machine::{Call, Phase};
use bad_release::{Fault, MARK};
use handoff::model::names::{Generation, InstallationId, InstallationName, Position};
use handoff::store::{Store, StoreOptions};
use handoff_tests::harness::TestHost;

use crate::crm::Crm;
use crate::load::Sent;
use crate::round::{NAME, Round, is_replayed};

/// Most findings of one kind that are worth reading.
const FINDINGS_MAX: usize = 5;
/// Rows of the state read at once.
const PAGE: usize = 1_000;

/// What came of the rounds of one host.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) runs: u64,
    pub(crate) rates: Vec<f64>,
    pub(crate) events: u64,
    /// From the command to its answer, in milliseconds.
    pub(crate) answered: Vec<f64>,
    /// From the command to the durable swap, as the report says.
    pub(crate) pinned: Vec<f64>,
    /// From the command to the end of the first call of the good version that was committed.
    pub(crate) effective: Vec<f64>,
    /// How long calls took, in milliseconds: of the good version, and of the bad one.
    pub(crate) good_calls: Vec<f64>,
    pub(crate) bad_calls: Vec<f64>,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) wrong_after: u64,
    pub(crate) wrong_keys: u64,
    /// What left the host before the command returned, and what the command did about the rest.
    pub(crate) wrong_before: u64,
    pub(crate) redriven: u64,
    pub(crate) held: u64,
    pub(crate) replayed: u64,
    pub(crate) findings: Vec<String>,
}

/// Judges the rounds of a host that was stopped.
pub(crate) fn all(host: &TestHost, crm: &Crm, fault: Fault, sent: &Sent, rounds: Vec<Round>) -> Judged {
    let mut judged = Judged { rates: vec![sent.rate], ..Judged::default() };
    judged.events = u64::try_from(sent.leads.len()).unwrap_or(u64::MAX);
    judged.runs = u64::try_from(rounds.len()).unwrap_or(u64::MAX);
    for round in &rounds {
        let number = |name: &str| round.report[name].as_u64().unwrap_or_default();
        judged.answered.push(round.returned - round.commanded);
        judged.pinned.extend(round.report["tookMs"].as_f64());
        judged.redriven += number("deadLettersRedriven");
        judged.held += number("requestsHeld");
        judged.replayed += number("eventsReplayed");
    }
    judged.at_the_crm(crm, sent);
    judged.wrong_arrivals(&crm.wrong(), &rounds);
    let store = Store::open(StoreOptions::new(host.folder().join("data"))).expect("the host's store");
    let name: InstallationName = NAME.parse().expect("a name");
    let id = store.installation(&name).expect("the installation").id;
    judged.first_handled(&store, id, &rounds);
    judged.left_over(&store, id);
    judged.state(&store, id, sent);
    store.close();
    let findings = judged.findings.iter().map(|finding| {
        let how = if is_replayed(fault) { " (restored and replayed)" } else { "" };
        format!("{}{how}: {finding}", fault.name())
    });
    judged.findings = findings.collect();
    judged
}

impl Judged {
    /// Names a few of what is wrong.
    fn found<T: AsRef<str>>(&mut self, what: &str, wrong: &[T]) {
        if !wrong.is_empty() {
            let some: Vec<&str> = wrong.iter().take(FINDINGS_MAX).map(AsRef::as_ref).collect();
            self.findings.push(format!("{} {what}: {}", wrong.len(), some.join("; ")));
        }
    }

    /// Every lead once, and nothing under a second key.
    fn at_the_crm(&mut self, crm: &Crm, sent: &Sent) {
        let book = crm.recorder.book();
        let lost: Vec<&String> = sent.leads.iter().filter(|lead| book.listed(lead) == 0).collect();
        // What was on the wire when it was cut off may have arrived; what is right then comes under the same key, and is
        // answered as what came first.
        let is_doubled = |violation: &&String| !violation.contains("came again with another request");
        let doubled: Vec<String> = book.violations.iter().filter(is_doubled).cloned().collect();
        let twice = sent.leads.iter().filter(|lead| book.listed(lead) > 1).count();
        drop(book);
        self.lost = count(lost.len());
        self.doubled = count(doubled.len().max(twice));
        self.found("events lost", &lost);
        self.found("effects doubled", &doubled);
    }

    /// Wrong requests: before a command returned, or after.
    fn wrong_arrivals(&mut self, arrivals: &[f64], rounds: &[Round]) {
        let mut late = Vec::new();
        for arrival in arrivals {
            let round = rounds.iter().rev().find(|round| round.upgrading <= *arrival);
            match round.filter(|round| *arrival > round.returned) {
                Some(round) => late.push(format!("{:.2} ms after the rollback returned", arrival - round.returned)),
                None => self.wrong_before += 1,
            }
        }
        self.wrong_after = count(late.len());
        self.found("wrong requests arrived too late", &late);
    }

    /// When the good version had handled its first event after each rollback.
    fn first_handled(&mut self, store: &Store, id: InstallationId, rounds: &[Round]) {
        let mut first: BTreeMap<Generation, u64> = BTreeMap::new();
        let versions = store.generations(id).expect("generations").into_iter();
        let bad: BTreeSet<Generation> =
            versions.filter(|one| one.content.version.minor == 1).map(|one| one.generation).collect();
        for position in 1..=store.last_position().0 {
            let Ok(attempts) = store.attempts(Position(position)) else { continue };
            for attempt in attempts.iter().filter(|one| one.installation == id) {
                let took = ms(attempt.duration_us) / 1_000.0;
                if bad.contains(&attempt.generation) {
                    self.bad_calls.push(took);
                }
                if attempt.failure.is_some() {
                    continue;
                }
                if !bad.contains(&attempt.generation) {
                    self.good_calls.push(took);
                }
                let at = first.entry(attempt.generation).or_insert(u64::MAX);
                *at = (*at).min(attempt.finished_at.0);
            }
        }
        for round in rounds {
            match first.get(&Generation(round.generation)) {
                // The store counts whole milliseconds: the end may be up to one later.
                Some(at) => self.effective.push((ms(*at) + 1.0 - round.commanded).max(0.0)),
                None => self.findings.push(format!("generation {} handled nothing", round.generation)),
            }
        }
    }

    /// Nothing waits for a person.
    fn left_over(&mut self, store: &Store, id: InstallationId) {
        let letters = store.dead_letters(None, None, PAGE).expect("dead letters");
        let letters: Vec<String> =
            letters.iter().map(|letter| format!("{} by {}", letter.failure.code, letter.generation)).collect();
        self.found("dead letters are left", &letters);
        let mut after = None;
        loop {
            let page = store.outbox(id, after, PAGE).expect("the outbox");
            after = page.last().map(|entry| entry.position);
            let open = page.iter().filter(|entry| format!("{:?}", entry.state).starts_with("Held"));
            let open: Vec<String> = open.map(|entry| entry.key.clone()).collect();
            self.found("requests are still held", &open);
            if page.len() < PAGE {
                return;
            }
        }
    }

    /// Each lead has its call as 1.0.0 would have kept it, and there is nothing else.
    fn state(&mut self, store: &Store, id: InstallationId, sent: &Sent) {
        let (mut wrong, mut calls) = (Vec::new(), BTreeSet::new());
        let mut after: Option<String> = None;
        loop {
            let page = store.state_scan(id, "", after.as_deref(), PAGE).expect("the state");
            for (key, value) in &page {
                match key.split_once('/') {
                    Some(("call", lead)) => {
                        calls.insert(lead.to_owned());
                        wrong.extend(call_fault(value).map(|fault| format!("{key} ({fault})")));
                    }
                    Some(("entry", _)) => {}
                    _ => wrong.push(key.clone()),
                }
            }
            after = page.last().map(|(key, _)| key.clone());
            if page.len() < PAGE {
                break;
            }
        }
        self.wrong_keys = count(wrong.len());
        self.found("wrong keys are left", &wrong);
        if calls.len() != sent.leads.len() {
            self.findings.push(format!("{} calls are kept for {} leads", calls.len(), sent.leads.len()));
        }
    }
}

/// What is wrong with a call that was put on the list long ago.
fn call_fault(row: &[u8]) -> Option<&'static str> {
    let Ok(call) = serde_json::from_slice::<Call>(row) else { return Some("unreadable") };
    let details = serde_json::to_string(&call.entry.details).unwrap_or_default();
    let faults = [
        (call.level != 0, "its level"),
        (call.entry.queue == "nobody", "its queue"),
        (details.contains(MARK), "its words"),
        (call.phase != Phase::Listed || call.in_flight, "its phase"),
        (call.entry_id.is_none(), "its entry"),
    ];
    faults.into_iter().find(|(is, _)| *is).map(|(_, fault)| fault)
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970 fit a double exactly.
fn ms(at: u64) -> f64 {
    std::time::Duration::from_millis(at).as_secs_f64() * 1_000.0
}
