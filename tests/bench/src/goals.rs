//! The table of goals: the result, the comparison, and whether the goal is reached. It measures nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a goal is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Reached.
    Reached,
    /// Not reached.
    Missed,
}

impl Verdict {
    pub(crate) fn of(reached: bool) -> Self {
        if reached { Self::Reached } else { Self::Missed }
    }
}

/// Rows in order of measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Goals {
    rows: Vec<[String; 6]>,
    missed: usize,
    reached: usize,
}

impl Goals {
    /// A result with a goal. `ratio` is the quantity of the goal.
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

    /// A result without a goal, which explains the one above.
    pub(crate) fn note(&mut self, what: &str, value: &str, remark: &str) {
        println!("  {what}: {value} {remark}");
        self.rows.push([what, value, remark, "", "", ""].map(str::to_owned));
    }

    /// Appends the rows of another part.
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
