//! Options of `uninstall`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::WhoArgs;
use handoff_model::names::InstallationName;

/// Options of `uninstall`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "First shows what waits, and asks; without a terminal it needs --yes. The installation then receives nothing any more, and its state, timers, waiting events, dead letters and unsent requests are removed. A request that is being sent may still reach its target; the report lists those.

The history, the audit log and the log of events stay readable: `handoff history`, `audit`, `trace`. A later installation of the same name is a new one, without state.

--export writes installation, state, waiting events, dead letters, requests and timers as JSON lines into a new folder that only the host's user may open, before anything is removed. The host's user writes it.

Examples:
  handoff uninstall old-leads
  handoff uninstall old-leads --export /mnt/backups/old-leads --reason 'replaced by web-leads' --yes"
)]
pub(crate) struct UninstallArgs {
    /// The installation.
    pub name: InstallationName,
    /// Write state and pending work into this new folder on the host's machine before removing them.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub export: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}
