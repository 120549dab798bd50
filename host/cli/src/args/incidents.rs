//! `incidents`: list and close incidents.

use clap::{Args, Subcommand};

use super::WhoArgs;
use handoff_model::scope::Scope;

/// Options of `incidents`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  handoff incidents
  handoff incidents close 001800000000000-automatic-rollback-web-leads --reason 'fixed in 1.1.1'")]
pub(crate) struct IncidentsArgs {
    /// The action. Without it, list open incidents.
    #[command(subcommand)]
    pub action: Option<IncidentAction>,
    /// Only incidents of installations of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
}

/// Subcommands of `incidents`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum IncidentAction {
    /// Close an incident after you looked at it.
    Close(CloseArgs),
}

/// Options of `incidents close`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CloseArgs {
    /// The id, as shown by `handoff incidents`.
    pub id: String,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}
