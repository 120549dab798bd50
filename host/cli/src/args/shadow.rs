//! Commands that run recorded deliveries again.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use handoff_control::Time;
use handoff_model::names::{InstallationName, Position};
use handoff_model::time::{Clock as _, SystemClock, Timestamp};

/// The code and settings to run.
#[derive(Clone, Debug, Args)]
pub(crate) struct CandidateArgs {
    /// The digest of a package that the host already has.
    #[arg(long, value_name = "SHA256", conflicts_with = "candidate")]
    pub digest: Option<String>,
    /// The settings file. Default: the settings of the installation.
    #[arg(long, short = 's', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings: Option<PathBuf>,
}

/// Options of `shadow`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Takes the last recorded delivery of each event, in their order, with the recorded clock, seed and answers, and shows what would be otherwise: outcomes, events, state, timers, requests. Nothing of it takes effect, and deliveries go on beside it. A look-up that was not recorded is answered as unreachable, and counted.

Without a version or a package the active generation runs, as a control: it shows no difference.

Examples:
  handoff shadow web-leads adf-leads-1.1.0.wasm
  handoff shadow web-leads 1.0.0 --last 1000
  handoff shadow web-leads adf-leads-1.1.0.wasm -s web-leads.toml --since 2h --json"
)]
pub(crate) struct ShadowArgs {
    /// The installation.
    pub name: InstallationName,
    /// The file of a package, or the version of an earlier generation.
    #[arg(value_name = "PACKAGE|VERSION", value_hint = ValueHint::FilePath)]
    pub candidate: Option<String>,
    /// More options for the code and settings to run.
    #[command(flatten)]
    pub more: CandidateArgs,
    /// The number of newest events, up to 10000. Default: 50.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub last: Option<u32>,
    /// Events delivered since a time or within a period (30m, 2h, 1d), at most 10000.
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "last")]
    pub since: Option<Time>,
    /// Time limit in seconds. When it expires, show the results so far.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub time: Option<u64>,
}

/// Options of `replay`.
#[derive(Clone, Debug, Args)]
#[command(
    // `--version` selects a version here.
    disable_version_flag = true,
    after_help = "Shows what the delivery does, and whether that equals the recording: with the version that ran then, byte for byte. Ends with 1 if it does not. Nothing of it takes effect.

--export writes a case for `handoff test`: event, config, state, clock, seed, answers and effects in two JSON files, without secrets. Customers' data is masked as by `handoff mask`, with your key; --unmasked leaves it as it is. Only you can read the files.

Examples:
  handoff replay 1042
  handoff replay 1042 --package adf-leads-1.1.0.wasm
  handoff replay 1042 --export cases
  handoff replay 1042 --export private-cases --unmasked"
)]
pub(crate) struct ReplayArgs {
    /// The position of the event, as shown by `handoff events`.
    #[arg(value_parser = super::read::position)]
    pub position: Position,
    /// The receiving installation. Required if the event has several.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// The number of the attempt. Default: the last one.
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Run the version of another generation.
    #[arg(long = "version", id = "generation_version", value_name = "VERSION", conflicts_with = "digest")]
    pub version: Option<String>,
    /// Run this package.
    #[arg(long = "package", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["generation_version", "digest"], id = "candidate")]
    pub package: Option<PathBuf>,
    /// More options for the code and settings to run.
    #[command(flatten)]
    pub more: CandidateArgs,
    /// Write the delivery as a test case into this folder.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub export: Option<PathBuf>,
    /// Write the case with customers' data as it is.
    #[arg(long, requires = "export")]
    pub unmasked: bool,
}

/// Parses a point in time or a period before now.
fn since(text: &str) -> Result<Time, String> {
    if let Ok(time) = Timestamp::parse_rfc3339(text) {
        return Ok(time.into());
    }
    let expected = || "expected a time like 2026-03-30T15:30:20Z, or how long ago: 30m, 2h, 1d".to_owned();
    let unit = text.chars().last().ok_or_else(expected)?;
    let number: u64 = text.strip_suffix(unit).and_then(|digits| digits.parse().ok()).ok_or_else(expected)?;
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(expected()),
    };
    Ok(Timestamp(SystemClock.now().0.saturating_sub(number.saturating_mul(unit_ms))).into())
}
