//! The generations of an installation, with the origin of each.

use serde::{Deserialize, Serialize};

use crate::installations::GenerationView;
use crate::installations::uninstall::UninstalledView;
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
    /// Generations, newest first.
    pub generations: Vec<HistoryEntry>,
    /// When it was uninstalled, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstalled: Option<UninstalledView>,
    /// Earlier installations of this name, newest first. All were uninstalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierInstallation>,
}

/// An installation whose name another one has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlierInstallation {
    /// `publisher/name`.
    pub package: String,
    /// When it was uninstalled.
    pub uninstalled: UninstalledView,
    /// Generations, newest first.
    pub generations: Vec<HistoryEntry>,
}

/// A generation with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The generation.
    #[serde(flatten)]
    pub generation: GenerationView,
    /// Whether a rollback without `--to` restores it.
    #[serde(default)]
    pub previous: bool,
    /// The previously active generation; none for the first generation or if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Generation>,
    /// The origin of its component; none if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginView>,
    /// The verified signer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
}

/// The origin of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum OriginView {
    /// A file, provided directly.
    File,
    /// A registry.
    Registry {
        /// The registry's configured name.
        registry: String,
        /// The reference in the registry.
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
