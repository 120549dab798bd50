//! Commands that write files and need no host: `init` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use handoff_model::names::RooftopName;

/// Options of `init`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Writes handoff.toml and creates an empty secrets folder that only you can read. Overwrites nothing.

Examples:
  handoff init
  handoff init demo --rooftop main-street --time-zone America/Chicago"
)]
pub(crate) struct InitArgs {
    /// The folder. Created if it does not exist.
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// The name of the rooftop, which is a dealership location.
    #[arg(long, value_name = "NAME", default_value = "main-street")]
    pub rooftop: RooftopName,
    /// The IANA time zone of the rooftop. Default: the time zone of this machine.
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
}

/// Options of `man`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder. Created if it does not exist.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}
