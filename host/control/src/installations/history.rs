//! The generations of an installation, with where each came from.

use serde::{Deserialize, Serialize};

use crate::installations::GenerationView;
use crate::operation::{Get, Nothing};
use handoff_model::installation::{Origin, Signer};
use handoff_model::names::{Generation, InstallationName};

/// Shows the generations of an installation.
pub const SHOW: Get<Nothing, HistoryView> = Get::get(
    "installationHistory",
    "/v1/installations/{name}/history",
    "Show the generations of an installation, newest first",
)
.works_offline();

/// All generations of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryView {
    /// The installation.
    pub name: InstallationName,
    /// `publisher/name`.
    pub package: String,
    /// Newest first.
    pub generations: Vec<HistoryEntry>,
}

/// One generation with where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The generation.
    #[serde(flatten)]
    pub generation: GenerationView,
    /// Whether a rollback without `--to` goes back to it.
    #[serde(default)]
    pub previous: bool,
    /// The generation that was active before; none for the first, or if nobody wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Generation>,
    /// Where its component came from; none if nobody wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginView>,
    /// Whose signature was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
}

/// Where a component came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum OriginView {
    /// A file, given by hand.
    File,
    /// A registry.
    Registry {
        /// The registry's configured name.
        registry: String,
        /// Where it lies there.
        reference: String,
    },
}

impl From<&Origin> for OriginView {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File => Self::File,
            Origin::Registry { registry, reference } => {
                Self::Registry { registry: registry.clone(), reference: reference.clone() }
            }
        }
    }
}
