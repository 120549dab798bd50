//! Command line options of the drill. It runs nothing.

use std::time::Duration;

use bad_release::Fault;

pub(crate) const USAGE: &str = "usage: handoff-drill [OPTION]…

  --runs N            releases and rollbacks of each variant (20)
  --probation-runs N  the same for automatic rollbacks (the same number)
  --modes A,B         command, probation (both): what triggers the rollback
  --variants A,B      crash, crash-some, hang, slow, wrong-state, wrong-requests, silent, doubled, refused (all)
  --rate N            events per second, each a lead (1000)
  --runs-per-host N   runs before a new host with an empty store (10; 1 for automatic rollbacks)
  --bad-ms N          time before the bad release is rolled back (300)
  --write 1           write the tables into BENCHMARKS.md
  --keep 1            keep the folder of a host with findings";

/// Minimum number of leads before the next release: as many as a baseline keeps, and some.
const GOOD_DELIVERIES: u32 = 300;

/// Who rolls back a bad release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A person, with one command.
    Command,
    /// The host itself, by probation.
    Probation,
}

impl Mode {
    const ALL: [Self; 2] = [Self::Command, Self::Probation];

    /// Name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Probation => "probation",
        }
    }

    /// Whether this mode is drilled for the release. Probation does not detect effects of the usual number and kind with
    /// wrong content. A person who rolls back what only probation shows does nothing else than for other faults.
    pub(crate) const fn sees(self, fault: Fault) -> bool {
        match self {
            Self::Command => !matches!(fault, Fault::Silent | Fault::Doubled | Fault::Refused),
            Self::Probation => !matches!(fault, Fault::None | Fault::WrongState | Fault::WrongRequests),
        }
    }
}

/// Options.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    runs: u64,
    probation_runs: Option<u64>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) variants: Vec<Fault>,
    pub(crate) rate: u64,
    runs_per_host: u64,
    /// How long the good version runs before each bad release.
    pub(crate) good: Duration,
    pub(crate) bad: Duration,
    pub(crate) write: bool,
    pub(crate) keep: bool,
}

impl Options {
    /// None if an option is invalid.
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

    /// Number of runs of each variant.
    pub(crate) fn runs(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Command => self.runs,
            Mode::Probation => self.probation_runs.unwrap_or(self.runs),
        }
    }

    /// Number of runs per host. A host never rolls back a release automatically that was forced again.
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

/// Known names, separated by commas or spaces.
fn all_of<T: Copy>(words: &str, known: &[T], name: impl Fn(T) -> &'static str) -> Option<Vec<T>> {
    words.split([',', ' ']).map(|word| known.iter().copied().find(|one| name(*one) == word)).collect()
}
