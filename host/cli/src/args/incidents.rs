//! `incidents`.

use clap::{Args, Subcommand};

use super::WhoArgs;

/// Options of `incidents`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff incidents
  handoff incidents close 001800000000000-automatic-rollback-web-leads --reason 'fixed in 1.1.1'")]
pub(crate) struct IncidentsArgs {
    /// Without it: list those that nobody has closed.
    #[command(subcommand)]
    pub action: Option<IncidentAction>,
}

/// What to do with one.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum IncidentAction {
    /// Say that one was looked at.
    Close(CloseArgs),
}

/// Options of `incidents close`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CloseArgs {
    /// Which, as `handoff incidents` names it.
    pub id: String,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
}
