//! After the run: compares the store of the stopped host and the CRM's ledger with what was sent. It changes nothing.

mod times;

use std::collections::{BTreeMap, BTreeSet};

use bad_release::machine::{Call, Phase};
use bad_release::{Fault, MARK};
use handoff_model::names::{InstallationId, InstallationName};
use handoff_store::{Store, StoreOptions};
use handoff_tests::harness::TestHost;

use crate::acts::Act;
use crate::crm::Crm;
use crate::load::Sent;
use crate::options::Mode;
use crate::round::{Back, NAME, Round};

pub(crate) use times::Times;

/// Maximum number of findings to print per kind.
const FINDINGS_MAX: usize = 5;
/// Rows of state to read at a time.
const PAGE: usize = 1_000;

/// The history of one host.
pub(crate) struct Story {
    pub(crate) mode: Mode,
    pub(crate) fault: Fault,
    pub(crate) sent: Sent,
    pub(crate) rounds: Vec<Round>,
    /// Automatic rollbacks, by the generation that was left.
    pub(crate) acts: BTreeMap<u64, Act>,
    pub(crate) broken: Vec<String>,
    pub(crate) disturbed: Vec<String>,
}

/// The results of the rounds of one host, or of several.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) runs: u64,
    /// Rounds that probation did not detect.
    pub(crate) unseen: u64,
    pub(crate) rates: Vec<f64>,
    pub(crate) events: u64,
    pub(crate) times: Times,
    /// Which bounds probation found exceeded, and how often.
    pub(crate) rules: BTreeMap<String, u64>,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) wrong_after: u64,
    pub(crate) wrong_keys: u64,
    /// Requests sent before the command returned, and what the command did about the rest.
    pub(crate) wrong_before: u64,
    pub(crate) redriven: u64,
    pub(crate) held: u64,
    pub(crate) replayed: u64,
    /// Upgrades that needed an approval, and migrated keys.
    pub(crate) agreed: u64,
    pub(crate) migrated: u64,
    /// Leads that the bad release dropped or sent twice, because that was its fault.
    pub(crate) dropped: u64,
    pub(crate) sent_twice: u64,
    /// Broken promises.
    pub(crate) findings: Vec<String>,
    /// Other problems: those runs are not counted and say nothing about the promises.
    pub(crate) disturbed: Vec<String>,
}

/// Judges the rounds of a stopped host.
pub(crate) fn all(host: &TestHost, crm: &Crm, story: Story) -> Judged {
    let mut judged = Judged { rates: vec![story.sent.rate], ..Judged::default() };
    judged.events = count(story.sent.leads.len());
    judged.runs = count(story.rounds.len());
    for round in &story.rounds {
        judged.agreed += u64::from(round.upgraded.is_agreed);
        judged.migrated += round.upgraded.keys_migrated;
        match &round.back {
            Back::Command { report, .. } => {
                let number = |name: &str| report[name].as_u64().unwrap_or_default();
                judged.redriven += number("deadLettersRedriven");
                judged.held += number("requestsHeld");
                judged.replayed += number("eventsReplayed");
            }
            Back::ByItself => {}
            Back::Unseen => judged.unseen += 1,
        }
    }
    judged.at_the_crm(crm, &story);
    judged.wrong_arrivals(&crm.wrong(), &story.rounds);
    let store = Store::open(StoreOptions::new(host.folder().join("data"))).expect("the host's store");
    let name: InstallationName = NAME.parse().expect("a name");
    let id = store.installation(&name).expect("the installation").id;
    judged.left_over(&store, id);
    judged.state(&store, id, &story);
    judged.findings.extend(story.broken.iter().cloned());
    judged.disturbed.extend(story.disturbed.iter().cloned());
    judged.take_times(&store, id, &story, &host.log());
    store.close();
    for what in judged.findings.iter_mut().chain(&mut judged.disturbed) {
        *what = format!("{}, {}: {what}", story.fault.name(), story.mode.name());
    }
    judged
}

impl Judged {
    /// Adds the rounds of another host.
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.unseen += other.unseen;
        self.rates.extend(other.rates);
        self.events += other.events;
        self.times.add(other.times);
        for (rule, times) in other.rules {
            *self.rules.entry(rule).or_default() += times;
        }
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong_after += other.wrong_after;
        self.wrong_keys += other.wrong_keys;
        self.wrong_before += other.wrong_before;
        self.redriven += other.redriven;
        self.held += other.held;
        self.replayed += other.replayed;
        self.agreed += other.agreed;
        self.migrated += other.migrated;
        self.dropped += other.dropped;
        self.sent_twice += other.sent_twice;
        self.findings.extend(other.findings);
        self.disturbed.extend(other.disturbed);
    }

    /// Lists a few findings.
    fn found<T: AsRef<str>>(&mut self, what: &str, wrong: &[T]) {
        if !wrong.is_empty() {
            let some: Vec<&str> = wrong.iter().take(FINDINGS_MAX).map(AsRef::as_ref).collect();
            self.findings.push(format!("{} {what}: {}", wrong.len(), some.join("; ")));
        }
    }

    /// Every lead once, and nothing with a second key. Except for what the bad release was there to do wrong.
    fn at_the_crm(&mut self, crm: &Crm, story: &Story) {
        let (sent, book) = (&story.sent, crm.recorder.book());
        let lost: Vec<&String> = sent.leads.iter().filter(|lead| book.listed(lead) == 0).collect();
        // A request that was aborted may still have arrived; the correct one then arrives with the same key and gets
        // the first answer.
        let is_doubled = |violation: &&String| !violation.contains("came again with another request");
        let doubled: Vec<String> = book.violations.iter().filter(is_doubled).cloned().collect();
        let twice = sent.leads.iter().filter(|lead| book.listed(lead) > 1).count();
        drop(book);
        let (lost_count, doubled_count) = (count(lost.len()), count(doubled.len().max(twice)));
        match story.fault {
            Fault::Silent | Fault::Refused => self.dropped = lost_count,
            Fault::Doubled => self.sent_twice = doubled_count,
            _ => {
                self.lost = lost_count;
                self.doubled = doubled_count;
                self.found("events lost", &lost);
                self.found("effects doubled", &doubled);
            }
        }
    }

    /// Wrong requests, before or after a command returned.
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

    /// Nothing waits for a person.
    fn left_over(&mut self, store: &Store, id: InstallationId) {
        let letters = store.dead_letters(None, None, PAGE).expect("dead letters");
        let letters: Vec<String> =
            letters.iter().map(|letter| format!("{} by {}", letter.failure.code, letter.generation)).collect();
        self.found("dead letters remain", &letters);
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

    /// Each lead has the call that 1.0.0 would have stored, and there is nothing else.
    fn state(&mut self, store: &Store, id: InstallationId, story: &Story) {
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
        self.found("wrong keys remain", &wrong);
        let leads = story.sent.leads.len();
        if count(calls.len()) + self.dropped != count(leads) {
            self.findings.push(format!("{} calls are stored for {leads} leads", calls.len()));
        }
    }
}

/// What is wrong with a call that was listed long ago.
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
