//! Commands for this machine. They need no running host.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use url::Url;

use super::develop::target;

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Stops at SIGTERM or Ctrl-C after the deliveries that run are done; a second one stops at once. Nothing is lost either way.

Examples:
  handoff serve
  handoff serve --config /etc/handoff/handoff.toml"
)]
pub(crate) struct ServeArgs {
    /// Log in JSON, one object per line.
    #[arg(long)]
    pub log_json: bool,
    /// Use a clock that moves only with `handoff clock`, and store its time in this file. For tests, with loopback
    /// listeners only.
    #[arg(long, value_name = "FILE", env = "HANDOFF_TEST_CLOCK", hide = true)]
    pub test_clock: Option<PathBuf>,
    /// Send the requests to a host to this URL instead. With a test clock only.
    #[arg(long, value_name = "HOST=URL", value_parser = target, requires = "test_clock", hide = true)]
    pub stand_in: Vec<(String, Url)>,
    /// Stop when the standard input is closed, as it is when the program that started this one ends.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

/// Options of `check`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Changes nothing and needs no running host. Reads every secret as the host would: run it as the host's user.

Examples:
  handoff check
  handoff check web-leads.toml survey.toml
  handoff check web-leads.toml --package adf-leads.wasm
  handoff check --example > handoff.toml
  handoff check --example=settings > web-leads.toml
  handoff check --example=manifest > connector.toml"
)]
pub(crate) struct CheckArgs {
    /// Print an example file that explains every field and its bounds: the host's configuration, or with `=settings`
    /// the settings of an installation, with `=manifest` the manifest of a connector.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "host")]
    #[arg(conflicts_with_all = ["settings", "json"])]
    pub example: Option<ExampleArg>,
    /// Check the settings against what this package requests, and show what they do not grant.
    #[arg(long, value_name = "FILE", requires = "settings", value_hint = ValueHint::FilePath)]
    pub package: Option<PathBuf>,
    /// Read no secrets, for a machine that has none.
    #[arg(long)]
    pub without_secrets: bool,
    /// Settings files of installations to check too.
    #[arg(value_name = "SETTINGS", value_hint = ValueHint::FilePath)]
    pub settings: Vec<PathBuf>,
}

/// The kind of example file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExampleArg {
    /// The host's configuration, handoff.toml.
    Host,
    /// The settings of one installation.
    Settings,
    /// The manifest of a connector, connector.toml.
    Manifest,
}

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Ends with 1 if something fails that the host needs; warnings end with 0.
Writes and removes one small file in the data folder to time the disk.

Examples:
  handoff doctor
  handoff doctor --data /var/lib/handoff --json")]
pub(crate) struct DoctorArgs {
    /// The data folder. Overrides the configuration.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
}

/// Options of `repair`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Checks every byte of the journal, which holds all that was taken and decided, the audit entries included. Needs the host stopped. Without --accept-loss it changes nothing, and ends with 5 if there is damage.

Examples:
  handoff repair
  handoff repair --accept-loss"
)]
pub(crate) struct RepairArgs {
    /// Discard the damaged parts and lose their content. A copy of each file is kept.
    #[arg(long)]
    pub accept_loss: bool,
    /// The data folder. Overrides the configuration.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
}

/// Options of `build`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The file beside connector.toml decides the language: Cargo.toml, package.json (JavaScript, TypeScript) or pyproject.toml.
Rust needs its target wasm32 (`handoff doctor` says whether it is there), the others the SDK that the file names.

Examples:
  handoff build
  handoff build connectors/adf-leads --out dist"
)]
pub(crate) struct BuildArgs {
    /// The connector's folder, which contains connector.toml.
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// The output folder. Default: target/connectors of the workspace, or of the folder.
    #[arg(long, short = 'o', value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Use no network, only dependencies that were fetched before.
    #[arg(long)]
    pub offline: bool,
}
