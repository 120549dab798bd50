//! What is drilled, how often and how hard: read from the command line. Runs nothing.

use std::time::Duration;

use bad_release::Fault;

pub(crate) const USAGE: &str = "usage: handoff-drill [OPTION]…

  --runs N            releases and rollbacks of each variant (20)
  --variants A,B      crash, crash-some, hang, slow, wrong-state, wrong-requests (all)
  --rate N            events a second that come in, each a lead (1000)
  --runs-per-host N   after so many the host is a new one with an empty store (10)
  --bad-ms N          how long the bad release is at work before somebody takes it back (300)
  --write 1           puts the table into BENCHMARKS.md
  --keep 1            leaves the folder of a host with findings";

/// How the drill goes.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) runs: u64,
    pub(crate) variants: Vec<Fault>,
    pub(crate) rate: u64,
    pub(crate) runs_per_host: u64,
    /// How long the good version is at work before and after.
    pub(crate) good: Duration,
    pub(crate) bad: Duration,
    pub(crate) write: bool,
    pub(crate) keep: bool,
}

impl Options {
    /// None if something of it is not understood.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            runs: 20,
            variants: Fault::ALL.to_vec(),
            rate: 1_000,
            runs_per_host: 10,
            good: Duration::from_millis(300),
            bad: Duration::from_millis(300),
            write: false,
            keep: false,
        };
        while let Some(name) = words.next() {
            let value = words.next()?;
            if name == "--variants" {
                let known = |word: &str| Fault::ALL.into_iter().find(|fault| fault.name() == word);
                options.variants = value.split([',', ' ']).map(known).collect::<Option<_>>()?;
                continue;
            }
            let number: u64 = value.parse().ok()?;
            match name.as_str() {
                "--runs" => options.runs = number,
                "--rate" => options.rate = number.max(1),
                "--runs-per-host" => options.runs_per_host = number.max(1),
                "--bad-ms" => options.bad = Duration::from_millis(number),
                "--write" => options.write = number != 0,
                "--keep" => options.keep = number != 0,
                _ => return None,
            }
        }
        Some(options)
    }
}
