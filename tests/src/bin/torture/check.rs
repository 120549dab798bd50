//! Compares the data of the host, its connectors and the CRM with a sequential model of what was sent. It only reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use handoff_tests::harness::TestHost;
use handoff_tests::simulators::recorder::Recorder;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tally::{Act, Chain, Pile};

use crate::install::{AFTER, FIRST};
use crate::sent::{All, Sent};

/// Installation → the rows of its state.
pub(crate) type Reports = BTreeMap<String, Map<String, Value>>;

/// Maximum number of findings to print per kind.
const FINDINGS_MAX: usize = 10;

/// All differences.
pub(crate) async fn all(
    host: &TestHost,
    crm: &Recorder,
    sent: &All,
    reports: &Reports,
    segments_max: usize,
) -> Vec<String> {
    let (dead_letters, withdrawn) = dead_letters(host).await;
    let mut model = Model { crm, dead_letters: &dead_letters, withdrawn: &withdrawn, found: Vec::new() };
    let (first, after) = (&reports[FIRST], &reports[AFTER]);
    let mut told = 0;
    for (key, numbers) in &sent.entries {
        told += model.key(key, numbers, first, after);
    }
    model.hooks(&sent.hooks, first);
    model.leads(&sent.leads);
    model.strangers(sent, first);
    let in_all = crm.book().tallied_in_all();
    model.equal("requests of tallies at the CRM", &in_all, &told);
    let mut found = model.found;
    found.truncate(FINDINGS_MAX);
    found.extend(crm.book().violations.iter().take(FINDINGS_MAX).cloned());
    found.extend(files(host, segments_max));
    found.extend(complaints(&host.log()));
    println!(
        "{} keys, {} webhooks, {} leads and {} dead letters compared",
        sent.entries.len(),
        sent.hooks.len(),
        sent.leads.len(),
        dead_letters.len()
    );
    found
}

/// Identifies a dead letter: its installation and its event's subject or mark.
type DeadLetters = BTreeMap<(String, String), u32>;

/// By key, the numbers that the first tally passed on and a rollback of it withdrew before they were handled.
type Withdrawn = BTreeMap<String, BTreeSet<u64>>;

struct Model<'a> {
    crm: &'a Recorder,
    dead_letters: &'a DeadLetters,
    withdrawn: &'a Withdrawn,
    found: Vec<String>,
}

impl Model<'_> {
    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.found.push(format!("{what}: found {found:?}, the model says {expected:?}"));
        }
    }

    /// One key: every accepted entry was handled once and in order, with all its effects. Returns how many entries were
    /// sent to the CRM.
    fn key(&mut self, key: &str, numbers: &[Sent], first: &Map<String, Value>, after: &Map<String, Value>) -> usize {
        let chain: Chain = row(first, &format!("chain/{key}"));
        let gaps: BTreeSet<u64> = chain.gaps.iter().copied().collect();
        let came = |number: u64| number <= chain.last && !gaps.contains(&number);
        let (mut expected, mut rung, mut answered) = (Chain::default(), Pile::default(), Pile::default());
        let mut told = 0;
        for (number, sent) in (1..).zip(numbers) {
            let is_told = sent.act == Act::Send && came(number);
            self.equal(
                &format!("effects of {key}/{number} at the CRM"),
                &self.crm.book().tallied(key, number),
                &u32::from(is_told),
            );
            self.one(key, number, *sent, came(number));
            if came(number) {
                expected.take(number);
                match sent.act {
                    Act::Ring => rung.take(number),
                    Act::Send => answered.take(number),
                    _ => {}
                }
            }
            told += usize::from(is_told);
        }
        // Missing numbers at the end are not a gap: no later entry was handled.
        self.equal(&format!("chain of {key}"), &chain, &expected);
        let mut passed = Chain::default();
        let is_withdrawn = |number: &u64| self.withdrawn.get(key).is_some_and(|numbers| numbers.contains(number));
        (1..=expected.count).filter(|number| !is_withdrawn(number)).for_each(|number| passed.take(number));
        self.equal(&format!("chain of {key} at {AFTER}"), &row(after, &format!("chain/{key}")), &passed);
        self.equal(&format!("timers of {key}"), &row(first, &format!("pile/rung/{key}")), &rung);
        self.equal(&format!("answers to {key}"), &row(first, &format!("pile/answered/{key}")), &answered);
        self.equal(&format!("failed requests of {key}"), &row(first, &format!("pile/failed/{key}")), &Pile::default());
        told
    }

    fn one(&mut self, key: &str, number: u64, sent: Sent, came: bool) {
        let name = format!("{key}/{number}");
        let dead_letters = self.dead_letters.get(&(FIRST.to_owned(), name.clone())).copied().unwrap_or_default();
        let times = dead_letters + u32::from(came);
        let is_right = if sent.answered { times == 1 } else { times <= 1 };
        if !is_right {
            self.found.push(format!("{name} ({sent:?}): counted {came}, dead letters {dead_letters}"));
        }
        let is_refused = sent.act == Act::Reject;
        if (is_refused && came) || (!is_refused && dead_letters > 0) {
            self.found
                .push(format!("{name} ({sent:?}) ended the wrong way: counted {came}, dead letters {dead_letters}"));
        }
    }

    fn hooks(&mut self, numbers: &[u64], first: &Map<String, Value>) {
        let mut expected = BTreeMap::<String, Pile>::new();
        numbers.iter().for_each(|number| expected.entry(tally::hook_row(*number)).or_default().take(*number));
        for (name, pile) in expected {
            self.equal(&name, &row(first, &name), &pile);
        }
    }

    fn leads(&mut self, leads: &BTreeMap<String, bool>) {
        for (id, answered) in leads {
            let listed = self.crm.book().listed(id);
            if listed > 1 || (*answered && listed == 0) {
                self.found.push(format!("lead {id} (answered: {answered}) is listed {listed} times"));
            }
        }
        let unknown: Vec<String> = {
            let book = self.crm.book();
            book.marks().filter(|(mark, _)| !leads.contains_key(*mark)).map(|(mark, _)| mark.clone()).collect()
        };
        self.equal("listed leads that were never sent", &unknown, &Vec::new());
    }

    /// Nothing exists that was not sent.
    fn strangers(&mut self, sent: &All, first: &Map<String, Value>) {
        let known = |name: &str| {
            let key = name.rsplit('/').next().unwrap_or_default();
            name.starts_with("pile/hook/") || sent.entries.contains_key(key)
        };
        let rows: Vec<&String> = first.keys().filter(|name| !known(name)).collect();
        self.equal("unexpected rows of the tally", &rows, &Vec::new());
        let of_others: Vec<_> = self.dead_letters.keys().filter(|(installation, _)| installation != FIRST).collect();
        self.equal("unexpected dead letters", &of_others, &Vec::new());
    }
}

fn row<T: Default + DeserializeOwned>(rows: &Map<String, Value>, name: &str) -> T {
    rows.get(name).map(|value| serde_json::from_value(value.clone()).expect("a row of the tally")).unwrap_or_default()
}

async fn dead_letters(host: &TestHost) -> (DeadLetters, Withdrawn) {
    let (mut dead_letters, mut withdrawn) = (DeadLetters::new(), Withdrawn::new());
    let mut path = "/v1/dead-letters?limit=1000".to_owned();
    loop {
        let list = host.control(&path).await.expect("dead letters");
        for letter in list["deadLetters"].as_array().into_iter().flatten() {
            let id = letter["id"].as_str().unwrap_or_default();
            let (installation, position) = id.split_once('/').unwrap_or_default();
            if installation == AFTER && letter["failure"]["code"] == "withdrawn" {
                let data = host.event_data(position.parse().unwrap_or_default()).await;
                let (key, number) = (data["key"].as_str().unwrap_or_default(), data["number"].as_u64());
                withdrawn.entry(key.to_owned()).or_default().extend(number);
                continue;
            }
            let installation = installation.to_owned();
            let subject = letter["subject"].as_str().map_or_else(|| letter.to_string(), str::to_owned);
            *dead_letters.entry((installation, subject)).or_default() += 1;
        }
        let Some(next) = list["next"].as_str() else { return (dead_letters, withdrawn) };
        path = format!("/v1/dead-letters?limit=1000&after={next}");
    }
}

/// The data folder contains what it must and no leftovers.
fn files(host: &TestHost, segments_max: usize) -> Vec<String> {
    let data = host.folder().join("data");
    let count = |folder: &str| fs::read_dir(data.join(folder)).into_iter().flatten().flatten().count();
    let (segments, bodies) = (count("journal"), count("bodies"));
    println!("{segments} journal segments and {bodies} bodies remain");
    let mut found = Vec::new();
    if segments > segments_max {
        found.push(format!("{segments} journal segments: retention exceeds its limit"));
    }
    let unfinished = unfinished(&data);
    if !unfinished.is_empty() {
        found.push(format!("unfinished files remain: {unfinished:?}"));
    }
    found
}

/// Errors that the host logged.
fn complaints(log: &str) -> Vec<String> {
    let is_fault = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
    // Pausing an installation is correct after its compiler was killed; it was resumed.
    let known = |line: &&str| line.contains("installation paused");
    log.lines().filter(is_fault).filter(|line| !known(line)).take(FINDINGS_MAX).map(str::to_owned).collect()
}

/// Files without their final name, in the data folder and its subfolders.
pub(crate) fn unfinished(data: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    folders.extend(
        fs::read_dir(data).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()),
    );
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}
