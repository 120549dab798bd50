//! `failure-counts`: what registries are told about failures.

use clap::Args;

/// Options of `failure-counts`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A host sends nothing unless `share-failure-counts = true` is set in [registries.NAME]. Then it sends once a day, for packages from that registry: by version, the number of handled events, and of failed attempts by code. Codes that neither the host nor the package's manifest lists are counted together. It never sends events, messages, rooftops or names of installations. Counts begin with the host's start; a restart forgets what was not sent.

Examples:
  handoff failure-counts
  handoff failure-counts --send
  handoff failure-counts --json"
)]
pub(crate) struct FailureCountsArgs {
    /// Send the counts now.
    #[arg(long)]
    pub send: bool,
}
