//! What came of all runs of a variant, and the table. Judges nothing.

use std::fmt::Write as _;

use bad_release::Fault;

use crate::judge::Judged;
use crate::options::Options;

/// Time from the command to the first event that the good version has handled.
const GOAL_MS: f64 = 10.0;

/// All runs of one variant.
#[derive(Debug)]
pub(crate) struct Outcome {
    fault: Fault,
    sum: Judged,
    pub(crate) findings: Vec<String>,
}

impl Outcome {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, sum: Judged::default(), findings: Vec::new() }
    }

    /// Adds the rounds of one host.
    pub(crate) fn add(&mut self, judged: Judged) {
        let sum = &mut self.sum;
        sum.runs += judged.runs;
        sum.events += judged.events;
        sum.rates.extend(judged.rates);
        sum.answered.extend(judged.answered);
        sum.pinned.extend(judged.pinned);
        sum.effective.extend(judged.effective);
        sum.good_calls.extend(judged.good_calls);
        sum.bad_calls.extend(judged.bad_calls);
        sum.lost += judged.lost;
        sum.doubled += judged.doubled;
        sum.wrong_after += judged.wrong_after;
        sum.wrong_keys += judged.wrong_keys;
        sum.wrong_before += judged.wrong_before;
        sum.redriven += judged.redriven;
        sum.held += judged.held;
        sum.replayed += judged.replayed;
        self.findings.extend(judged.findings);
    }

    /// A line for whoever watches.
    pub(crate) fn tell_progress(&self) {
        let sum = &self.sum;
        println!(
            "  {} runs, {} leads: calls took {:.2} ms, {} recorded of the bad one {:.2} ms; effective p50 {:.1}, p99 {:.1} ms; lost {}, doubled {}, wrong after {}, wrong keys {}{}",
            sum.runs,
            sum.events,
            at(&sum.good_calls, 50),
            sum.bad_calls.len(),
            at(&sum.bad_calls, 50),
            at(&sum.effective, 50),
            at(&sum.effective, 99),
            sum.lost,
            sum.doubled,
            sum.wrong_after,
            sum.wrong_keys,
            if self.findings.is_empty() { "" } else { "  <- findings" },
        );
    }

    fn row(&self) -> String {
        let sum = &self.sum;
        let both = |values: &[f64]| format!("{:.1} / {:.1}", at(values, 50), at(values, 99));
        let verdict = if at(&sum.effective, 99) < GOAL_MS { "reached" } else { "**missed**" };
        let mut after = Vec::new();
        let mut tell = |what: &str, number: u64| {
            if number > 0 {
                after.push(format!("{number} {what}"));
            }
        };
        tell("events replayed", sum.replayed);
        tell("dead letters redriven", sum.redriven);
        tell("requests held", sum.held);
        tell("wrong requests had left before", sum.wrong_before);
        format!(
            "| {} | {} | {} | {} | {} | **{}**, {verdict} | {} | {} | {} | {} | {} |",
            words(self.fault),
            sum.runs,
            sum.events,
            both(&sum.pinned),
            both(&sum.answered),
            both(&sum.effective),
            sum.lost,
            sum.doubled,
            sum.wrong_after,
            sum.wrong_keys,
            after.join(", "),
        )
    }
}

/// The table with a sentence on how it was made.
pub(crate) fn markdown(options: &Options, outcomes: &[Outcome]) -> String {
    let rates: Vec<f64> = outcomes.iter().flat_map(|outcome| outcome.sum.rates.iter().copied()).collect();
    let mut text = format!(
        "{} leads a second asked for, {:.0} taken in the slowest run; the bad release is at work for {} ms each time. Times are \
         p50 / p99 in milliseconds from the command; the goal is a first event handled by the good version within {GOAL_MS:.0} ms \
         at p99.\n\n",
        options.rate,
        rates.iter().copied().fold(f64::INFINITY, f64::min),
        options.bad.as_millis(),
    );
    text.push_str(
        "| 1.1.0 … | Runs | Leads | Durable | Command answered | First event handled by 1.0.0 | Lost | Doubled | Wrong requests \
         after it returned | Wrong keys left | Besides |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        let _ = writeln!(text, "{}", outcome.row());
    }
    text
}

const fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::None => "is as good",
        Fault::Crash => "crashes on every event",
        Fault::CrashSome => "crashes on one event in fifty",
        Fault::Hang => "hangs",
        Fault::Slow => "is ten times slower",
        Fault::WrongState => "keeps wrong state in a new schema (`--restore-state --replay`)",
        Fault::WrongRequests => "sends wrong requests (`--restore-state --replay`)",
    }
}

/// Nearest rank; 0 without values.
fn at(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
