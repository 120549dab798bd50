//! Samples every few seconds what could grow: memory, files, threads, the data folder, times. It judges nothing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;
use handoff_tests::simulators::recorder::Recorder;
use serde_json::{Value, json};

use super::load::Load;
use super::verdict::Verdict;

/// Sampled values in this order, with units.
pub(super) const COLUMNS: [&str; 16] = [
    "seconds",
    "resident memory, MiB",
    "anonymous memory, MiB",
    "threads",
    "open files",
    "files in the data folder",
    "journal segments",
    "journal, MiB",
    "index, MiB",
    "202: p50, ms",
    "202: p99, ms",
    "effect at the CRM: p50, ms",
    "effect at the CRM: p99, ms",
    "events taken, per s",
    "entries at the CRM, per s",
    "requests at the CRM so far",
];

/// One sample.
pub(super) type Row = [f64; COLUMNS.len()];

/// An event on the time axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Restart,
    Swap,
    Weather,
}

/// All samples of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) peak: f64,
    pub(super) rate: f64,
    pub(super) rows: Vec<Row>,
    pub(super) marks: Vec<(f64, Mark)>,
}

pub(super) struct Sampler {
    begun: Instant,
    every: Duration,
    next: Instant,
    last: Instant,
    run: Run,
}

impl Sampler {
    pub(super) fn new(length: Duration) -> Self {
        let begun = Instant::now();
        // Some hundred samples, whatever the duration.
        let every = (length / 300).clamp(Duration::from_millis(500), Duration::from_secs(5));
        let run = Run { peak: 0.0, rate: 0.0, rows: Vec::new(), marks: Vec::new() };
        Self { begun, every, next: begun + every, last: begun, run }
    }

    /// Waits for the next sample.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep_until(self.next.into()).await;
        self.next = (self.next + self.every).max(Instant::now());
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.run.marks.push((self.begun.elapsed().as_secs_f64(), mark));
    }

    pub(super) fn take(&mut self, host: &TestHost, load: &Load, crm: &Recorder) {
        let Some(pid) = host.pid() else { return };
        let times = load.take_times();
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim_matches([':', ' ', '\t']).split(' ').next()?.parse().ok()).unwrap_or(0.0)
        };
        let data = host.folder().join("data");
        let (journal, index, all) = (below(&data.join("journal")), below(&data.join("index")), below(&data));
        let taken = sorted(&times.taken);
        let delivered = sorted(&times.delivered);
        self.run.rows.push([
            self.begun.elapsed().as_secs_f64(),
            field("VmRSS") / 1024.0,
            field("RssAnon") / 1024.0,
            field("Threads"),
            count(fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().count()),
            count(all.0),
            count(journal.0),
            journal.1,
            index.1,
            at(&taken, 50),
            at(&taken, 99),
            at(&delivered, 50),
            at(&delivered, 99),
            count(taken.len()) / seconds,
            count(delivered.len()) / seconds,
            f64::from(u32::try_from(crm.book().applied).unwrap_or(u32::MAX)),
        ]);
    }

    pub(super) fn finish(mut self, peak: f64, rate: f64) -> Run {
        (self.run.peak, self.run.rate) = (peak, rate);
        self.run
    }
}

impl Run {
    /// All data, for other programs.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> String {
        let marks: Vec<Value> = self
            .marks
            .iter()
            .map(|(at, mark)| json!({ "seconds": at, "what": format!("{mark:?}").to_lowercase() }))
            .collect();
        let rounded = |value: &f64| (value * 100.0).round() / 100.0;
        let rows: Vec<Vec<f64>> = self.rows.iter().map(|row| row.iter().map(rounded).collect()).collect();
        let lines: Vec<String> = rows.iter().map(|row| json!(row).to_string()).collect();
        let verdicts: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
        format!(
            "{{\n\"peakPerSecond\": {:.0},\n\"ratePerSecond\": {:.0},\n\"verdicts\": {},\n\"marks\": {},\n\"columns\": {},\n\"rows\": [\n{}\n]\n}}\n",
            self.peak,
            self.rate,
            json!(verdicts),
            json!(marks),
            json!(COLUMNS),
            lines.join(",\n")
        )
    }
}

/// A count as a value.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
}

/// A percentile; NaN without values.
fn at(sorted: &[f64], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Files in a folder and their size in MiB. Files that are removed meanwhile are skipped.
fn below(folder: &Path) -> (usize, f64) {
    let mut total = (0, 0.0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_dir() {
            let (files, mib) = below(&entry.path());
            total = (total.0 + files, total.1 + mib);
        } else {
            let kib = u32::try_from(facts.len() / 1024).unwrap_or(u32::MAX);
            total = (total.0 + 1, total.1 + f64::from(kib) / 1024.0);
        }
    }
    total
}
