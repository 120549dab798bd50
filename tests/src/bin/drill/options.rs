//! What is drilled, how often and how hard: read from the command line. Runs nothing.

use std::time::Duration;

use bad_release::Fault;

pub(crate) const USAGE: &str = "usage: handoff-drill [OPTION]…

  --runs N            releases and rollbacks of each variant (20)
  --probation-runs N  the same for those that the host takes back (as many)
  --modes A,B         command, probation (both): who takes the release back
  --variants A,B      crash, crash-some, hang, slow, wrong-state, wrong-requests (all)
  --rate N            events a second that come in, each a lead (1000)
  --runs-per-host N   after so many the host is a new one with an empty store (10; 1 if the host takes the release back)
  --bad-ms N          how long the bad release is at work before somebody takes it back (300)
  --write 1           puts the tables into BENCHMARKS.md
  --keep 1            leaves the folder of a host with findings";

/// Fewest deliveries that the good version has had before the next release: more than probation needs to compare.
const GOOD_DELIVERIES: u32 = 60;

/// Who takes a bad release back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A person, with one command.
    Command,
    /// The host itself, by what it sees.
    Probation,
}

impl Mode {
    const ALL: [Self; 2] = [Self::Command, Self::Probation];

    /// On the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Probation => "probation",
        }
    }

    /// Whether a release can be taken back so. Events that end well and in time are all the same to probation: that what
    /// they did is wrong is not in any figure.
    pub(crate) const fn sees(self, fault: Fault) -> bool {
        match self {
            Self::Command => true,
            Self::Probation => !matches!(fault, Fault::None | Fault::WrongState | Fault::WrongRequests),
        }
    }
}

/// How the drill goes.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    runs: u64,
    probation_runs: Option<u64>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) variants: Vec<Fault>,
    pub(crate) rate: u64,
    runs_per_host: u64,
    /// How long the good version is at work before, and so after the one before.
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
            probation_runs: None,
            modes: Mode::ALL.to_vec(),
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
            match name.as_str() {
                "--variants" => options.variants = all_of(&value, &Fault::ALL, Fault::name)?,
                "--modes" => options.modes = all_of(&value, &Mode::ALL, Mode::name)?,
                name => options.set(name, value.parse().ok()?)?,
            }
        }
        let enough = Duration::from_secs(GOOD_DELIVERIES.into()) / u32::try_from(options.rate).ok()?;
        options.good = options.good.max(enough);
        Some(options)
    }

    /// Of each variant.
    pub(crate) fn runs(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Command => self.runs,
            Mode::Probation => self.probation_runs.unwrap_or(self.runs),
        }
    }

    /// After so many the host is a new one. It never takes a release back that somebody brings again by force.
    pub(crate) fn runs_per_host(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Command => self.runs_per_host,
            Mode::Probation => 1,
        }
    }

    fn set(&mut self, name: &str, number: u64) -> Option<()> {
        match name {
            "--runs" => self.runs = number,
            "--probation-runs" => self.probation_runs = Some(number),
            "--rate" => self.rate = number.max(1),
            "--runs-per-host" => self.runs_per_host = number.max(1),
            "--bad-ms" => self.bad = Duration::from_millis(number),
            "--write" => self.write = number != 0,
            "--keep" => self.keep = number != 0,
            _ => return None,
        }
        Some(())
    }
}

/// Words with commas or spaces between them, each of which names one of the known.
fn all_of<T: Copy>(words: &str, known: &[T], name: impl Fn(T) -> &'static str) -> Option<Vec<T>> {
    words.split([',', ' ']).map(|word| known.iter().copied().find(|one| name(*one) == word)).collect()
}
