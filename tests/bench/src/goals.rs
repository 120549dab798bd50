//! The table of goals: what was reached, against what, and whether that is enough. Measures nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a goal is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is.
    Reached,
    /// It is not.
    Missed,
}

impl Verdict {
    pub(crate) fn of(reached: bool) -> Self {
        if reached { Self::Reached } else { Self::Missed }
    }
}

/// Rows in the order in which they were measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Goals {
    rows: Vec<[String; 6]>,
    missed: usize,
    reached: usize,
}

impl Goals {
    /// A figure with a goal. `ratio` is what the goal is about.
    pub(crate) fn row(&mut self, what: &str, value: &str, against: &str, ratio: &str, goal: &str, verdict: Verdict) {
        let word = match verdict {
            Verdict::Reached => {
                self.reached += 1;
                "reached"
            }
            Verdict::Missed => {
                self.missed += 1;
                "**missed**"
            }
        };
        println!("  {what}: {value} ({against}): {ratio}, goal {goal}: {}", word.replace('*', ""));
        self.rows.push([what, &format!("**{value}**"), against, ratio, goal, word].map(str::to_owned));
    }

    /// A figure without a goal, to be read beside the one above.
    pub(crate) fn note(&mut self, what: &str, value: &str, remark: &str) {
        println!("  {what}: {value} {remark}");
        self.rows.push([what, value, remark, "", "", ""].map(str::to_owned));
    }

    /// Adds another part's rows below.
    pub(crate) fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.reached += other.reached;
        self.missed += other.missed;
    }

    /// `7 of 9 goals reached`.
    pub(crate) fn summary(&self) -> String {
        format!("{} of {} goals reached", self.reached, self.reached + self.missed)
    }
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Figure | Host | Against | Ratio | Goal | Verdict |\n|---|---|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}
