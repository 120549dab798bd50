//! `history` and `audit`: changes with their authors and reasons.

use clap::{Args, Subcommand};

use handoff_model::names::InstallationName;
use handoff_model::scope::Scope;

/// Options of `history`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Also works while the host is stopped.\n\nExamples:\n  handoff history web-leads\n  handoff history web-leads --json | jq '.generations[0]'"
)]
pub(crate) struct HistoryArgs {
    /// The installation.
    pub name: InstallationName,
}

/// Options of `audit`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Each entry carries the hash of the one before. Note the newest hash somewhere else from time to time: `verify --head` finds whatever was changed or cut off since. `verify` reads the chain as the store serves it; whether the journal below it is damaged, `handoff repair` says. Also works while the host is stopped.

Examples:
  handoff audit
  handoff audit --installation web-leads --limit 20
  handoff audit verify
  handoff audit verify --head 4f1c92ab07de"
)]
pub(crate) struct AuditArgs {
    /// Verify instead of listing.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Only entries about this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Only entries about installations of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
    /// Only entries after this number. Default: the newest entries.
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
    /// Maximum number of entries, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Subcommands of `audit`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify that no entry was changed, removed, added or moved.
    #[command(
        after_help = "Ends with 1 if the chain does not hold. Looks at the entries as the store serves them, not at the files below: `handoff repair` checks the journal of a stopped host byte for byte.\n\nExample:\n  handoff audit verify --head 4f1c92ab07de"
    )]
    Verify {
        /// A hash noted earlier, or at least its first 12 digits, as shown by `audit`. The log has to contain it.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
}
