//! `gates`: list and open gates.

use clap::{Args, Subcommand};

use super::WhoArgs;

/// Options of `gates`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A gate is closed while its target keeps failing, has asked to wait (Retry-After), or its daily budget is used up; requests wait. The host opens it by itself.

Examples:
  handoff gates
  handoff gates open crm.dealer.example:443 --profile crm --reason 'the vendor lifted the limit'"
)]
pub(crate) struct GatesArgs {
    /// The action. Without it, list the gates.
    #[command(subcommand)]
    pub action: Option<GateAction>,
}

/// Subcommands of `gates`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GateAction {
    /// Open a gate because you know that the target works; requests that wait for it are sent at once.
    Open(OpenGateArgs),
}

/// Options of `gates open`.
#[derive(Clone, Debug, Args)]
pub(crate) struct OpenGateArgs {
    /// Host and port, as listed.
    pub target: String,
    /// The auth profile, if one is listed.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}
