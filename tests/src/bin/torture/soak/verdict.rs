//! The definition of "flat": after a warm-up, the median of the last third of a run exceeds that of the first third by
//! no more than a share and a constant. Memory, threads and open files are compared within the life of the last
//! process.

use std::fmt;

use super::sample::{COLUMNS, Mark, Run};

/// Share of a run, or of a process's life, that is warm-up.
const WARM_UP: f64 = 0.1;

/// A column and the growth allowed in its last third.
struct Bound {
    column: &'static str,
    /// Compared over the last process's life instead of the whole run.
    by_life: bool,
    share: f64,
    little: f64,
}

const fn bound(column: &'static str, by_life: bool, share: f64, little: f64) -> Bound {
    Bound { column, by_life, share, little }
}

/// The index is not here: it keeps the key of every request forever, as the contract requires, and is judged per
/// request.
const BOUNDS: [Bound; 10] = [
    bound("resident memory, MiB", true, 0.10, 16.0),
    bound("anonymous memory, MiB", true, 0.10, 16.0),
    bound("threads", true, 0.0, 4.0),
    bound("open files", true, 0.0, 8.0),
    bound("files in the data folder", false, 0.0, 4.0),
    bound("journal segments", false, 0.0, 3.0),
    bound("202: p50, ms", false, 0.25, 1.0),
    bound("202: p99, ms", false, 0.5, 20.0),
    bound("effect at the CRM: p50, ms", false, 0.25, 2.0),
    bound("effect at the CRM: p99, ms", false, 0.5, 40.0),
];
/// Allowed growth of the index per answered request: its key and sled's overhead.
const INDEX_BYTES_MAX: f64 = 300.0;

/// The result of one column.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) what: String,
    first: f64,
    last: f64,
    most: f64,
}

impl Verdict {
    /// The verdicts of a run.
    pub(super) fn of(run: &Run) -> Vec<Self> {
        let end = run.rows.last().map_or(0.0, |row| row[0]);
        let restarts = run.marks.iter().filter(|(_, mark)| *mark == Mark::Restart);
        let born = restarts.map(|(at, _)| *at).fold(0.0, f64::max);
        let judge = |bound: &Bound| {
            let start = if bound.by_life { born } else { 0.0 };
            let (first, last) = thirds(run, bound.column, start + (end - start) * WARM_UP, end);
            let what = format!("{}{}", bound.column, if bound.by_life { ", last process" } else { "" });
            Self { what, first, last, most: first * (1.0 + bound.share) + bound.little }
        };
        let mut verdicts: Vec<Self> = BOUNDS.iter().map(judge).collect();
        let (first, last) = thirds(run, "index, MiB", end * WARM_UP, end);
        let (before, after) = thirds(run, "requests at the CRM so far", end * WARM_UP, end);
        let each = (last - first) * 1_048_576.0 / (after - before).max(1.0);
        let what = "index, bytes for each request of the run".to_owned();
        verdicts.push(Self { what, first: 0.0, last: each, most: INDEX_BYTES_MAX });
        verdicts
    }

    pub(super) fn is_flat(&self) -> bool {
        self.last <= self.most
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_flat() { "flat" } else { "GROWS" };
        let Self { what, first, last, most } = self;
        write!(f, "{word}: {what}: {first:.2} in the first third, {last:.2} in the last (at most {most:.2})")
    }
}

/// Medians of the first and the last third between two times.
fn thirds(run: &Run, column: &str, start: f64, end: f64) -> (f64, f64) {
    let index = COLUMNS.iter().position(|known| *known == column).expect("a column");
    let third = (end - start) / 3.0;
    let median = |from: f64, to: f64| {
        let rows = run.rows.iter().filter(|row| row[0] >= from && row[0] <= to);
        let mut values: Vec<f64> = rows.map(|row| row[index]).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    (median(start, start + third), median(end - third, end))
}

/// The section for BENCHMARKS.md.
pub(super) fn markdown(run: &Run, verdicts: &[Verdict]) -> String {
    let minutes = run.rows.last().map_or(0.0, |row| row[0]) / 60.0;
    let count = |wanted: Mark| run.marks.iter().filter(|(_, mark)| *mark == wanted).count();
    let mut text = format!(
        "## Soak\n\n{minutes:.0} minutes at {:.0} events a second, 70 % of the {:.0} that the same machine reached right before; {} hot swaps \
         and rollbacks, {} restarts (every second one by `kill -9`). Nothing was lost, doubled or out of order. *Flat* compares the \
         medians of the first and the last third after a warm-up.\n\n![Memory, files, times and throughput over the soak](tests/soak.svg)\n\n\
         | What | First third | Last third | Bound | |\n|---|---|---|---|---|\n",
        run.rate,
        run.peak,
        count(Mark::Swap),
        count(Mark::Restart)
    );
    for verdict in verdicts {
        let Verdict { what, first, last, most } = verdict;
        let word = if verdict.is_flat() { "flat" } else { "**grows**" };
        text.push_str(&format!("| {what} | {first:.2} | {last:.2} | {most:.2} | {word} |\n"));
    }
    text
}
