//! The results of all runs of a variant, and the tables. It judges nothing.

use std::fmt::Write as _;

use bad_release::Fault;

use crate::judge::Judged;
use crate::options::{Mode, Options};
use crate::session::WATCHED_IN_WORDS;

/// Goal for the time from the command to the first event that the good version has handled.
const GOAL_MS: f64 = 10.0;

/// All runs of one variant.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) mode: Mode,
    pub(crate) fault: Fault,
    pub(crate) wanted: u64,
    pub(crate) sum: Judged,
}

impl Outcome {
    /// Whether all runs were done, and probation detected what it must detect.
    pub(crate) fn is_whole(&self) -> bool {
        // Whether a slow release is detected depends on the machine: both versions are slow on a busy one.
        let is_seen = self.fault == Fault::Slow || self.sum.unseen < self.wanted;
        self.sum.runs >= self.wanted && is_seen
    }

    /// A progress line.
    pub(crate) fn progress(&self) -> String {
        let Judged { times, .. } = &self.sum;
        format!(
            "{} of {} runs, {} leads: calls took {:.2} ms (p95 {:.2}), {} recorded of the bad one {:.2} ms (p95 {:.2}); \
             effective {} ms; lost {}, doubled {}, wrong after {}, wrong keys {}{}{}",
            self.sum.runs,
            self.wanted,
            self.sum.events,
            at(&times.good_calls, 50),
            at(&times.good_calls, 95),
            times.bad_calls.len(),
            at(&times.bad_calls, 50),
            at(&times.bad_calls, 95),
            three(&times.effective),
            self.sum.lost,
            self.sum.doubled,
            self.sum.wrong_after,
            self.sum.wrong_keys,
            if self.sum.disturbed.is_empty() { "" } else { "  <- disturbed" },
            if self.sum.findings.is_empty() { "" } else { "  <- FOUND" },
        )
    }

    fn by_command(&self) -> String {
        let Judged { times, .. } = &self.sum;
        let over = times.effective.iter().filter(|took| **took > GOAL_MS).count();
        let verdict = if at(&times.effective, 99) < GOAL_MS { "reached" } else { "**missed**" };
        format!(
            "| {} | {} | {} | {} | {} | **{}**, {verdict} | {over} | {} | {} | {} | {} | {} |",
            words(self.fault, true),
            self.sum.runs,
            self.sum.events,
            three(&times.pinned),
            three(&times.answered),
            three(&times.effective),
            self.sum.lost,
            self.sum.doubled,
            self.sum.wrong_after,
            self.sum.wrong_keys,
            self.besides(),
        )
    }

    fn by_itself(&self) -> String {
        let Judged { times, rules, .. } = &self.sum;
        let rules: Vec<String> = rules.iter().map(|(rule, times)| format!("{rule} ({times})")).collect();
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | **{}** | {} | {} | {} | {} |",
            words(self.fault, false),
            self.sum.runs,
            self.sum.events,
            rules.join(", "),
            whole(&times.bad),
            three(&times.acted),
            three(&times.pinned),
            three(&times.effective),
            self.sum.lost,
            self.sum.doubled,
            self.sum.wrong_keys,
            self.besides(),
        )
    }

    fn besides(&self) -> String {
        let sum = &self.sum;
        let disturbed = u64::try_from(sum.disturbed.len()).unwrap_or(u64::MAX);
        let told = [
            (sum.agreed, "upgrades approved by code"),
            (sum.migrated, "keys migrated"),
            (sum.replayed, "events replayed"),
            (sum.redriven, "dead letters redriven"),
            (sum.held, "requests held"),
            (sum.wrong_before, "wrong requests were sent before"),
            (sum.dropped, "leads dropped by the bad release"),
            (sum.sent_twice, "leads sent twice by the bad release"),
            (sum.unseen, "**not detected** by the host in 10 s, and rolled back with the command"),
            (disturbed, "disturbed runs, not timed"),
        ];
        let told = told.into_iter().filter(|(number, _)| *number > 0);
        told.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", ")
    }
}

/// The tables with a few sentences on the method.
pub(crate) fn markdown(options: &Options, outcomes: &[Outcome], load: &str) -> String {
    let rates: Vec<f64> = outcomes.iter().flat_map(|outcome| outcome.sum.rates.iter().copied()).collect();
    let mut text = format!(
        "{} leads a second requested, {:.0} accepted in the slowest run; load average {load} before the first run. Times are \
         p50 / p99 / max in milliseconds; the ends of calls are rounded up to whole ones.\n\n",
        options.rate,
        rates.iter().copied().fold(f64::INFINITY, f64::min),
    );
    let of = |mode| outcomes.iter().filter(move |outcome| outcome.mode == mode);
    if of(Mode::Command).next().is_some() {
        let _ = write!(
            text,
            "**With one command.** `handoff upgrade` installs the bad release, which runs for {} ms before it is rolled \
             back. Times count from the command; the goal is a first event handled by the good version within {GOAL_MS:.0} ms at \
             p99.\n\n\
             | 1.1.0 … | Runs | Leads | Durable | Command answered | First event handled by 1.0.0 | Runs over {GOAL_MS:.0} ms | Lost \
             | Doubled | Wrong requests after it returned | Wrong keys left | Besides |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
            options.bad.as_millis(),
        );
        of(Mode::Command).for_each(|outcome| text.push_str(&(outcome.by_command() + "\n")));
        text.push('\n');
    }
    if of(Mode::Probation).next().is_some() {
        let _ = write!(
            text,
            "**By the host itself.** No command is given. {WATCHED_IN_WORDS} Times count from the beginning of the first \
             delivery that failed (of a slow release: of the first one; of one that hangs: from its swap); *acted* counts from the \
             moment when the bound was exceeded to the durable pin.\n\n\
             | 1.1.0 … | Runs | Leads | Bound passed | Bad deliveries by then, p50 / max | Acted | Durable | First event handled by 1.0.0 | \
             Lost | Doubled | Wrong keys left | Besides |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        of(Mode::Probation).for_each(|outcome| text.push_str(&(outcome.by_itself() + "\n")));
        for fault in options.variants.iter().filter(|fault| !Mode::Probation.sees(**fault)) {
            let _ = writeln!(
                text,
                "| {} | – | – | none: effects of the usual kind and number | – | – | never | never | – | – | – | only a person can detect \
                 it: see above |",
                words(*fault, false),
            );
        }
    }
    text
}

const fn words(fault: Fault, with_options: bool) -> &'static str {
    match fault {
        Fault::None => "works like 1.0.0",
        Fault::Crash => "crashes on every event",
        Fault::CrashSome => "crashes on one event in fifty",
        Fault::Hang => "hangs",
        Fault::Slow => "is ten times slower",
        Fault::WrongState if with_options => "stores wrong state with a new schema (`--restore-state --replay`)",
        Fault::WrongState => "stores wrong state with a new schema",
        Fault::WrongRequests if with_options => "sends wrong requests (`--restore-state --replay`)",
        Fault::WrongRequests => "sends wrong requests",
        Fault::Silent => "commits leads and sends nothing",
        Fault::Doubled => "sends every request twice",
        Fault::Refused => "sends requests that the CRM refuses",
    }
}

fn three(values: &[f64]) -> String {
    if values.is_empty() {
        return "–".to_owned();
    }
    format!("{:.1} / {:.1} / {:.1}", at(values, 50), at(values, 99), at(values, 100))
}

fn whole(values: &[f64]) -> String {
    if values.is_empty() { "–".to_owned() } else { format!("{:.0} / {:.0}", at(values, 50), at(values, 100)) }
}

/// Nearest rank; 0 without values.
fn at(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
