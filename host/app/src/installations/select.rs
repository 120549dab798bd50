//! Selects the installations that a change of several is about: by package, group and version.

use std::sync::Arc;

use handoff_model::installation::Installation;
use handoff_model::scope::Scope;

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::many::{NotChanged, Selection};

/// Maximum number of installations that one request changes: their swaps are one batch of the journal.
const SELECTED_MAX: usize = 1_000;

/// The selected installations, by name, and those of the package that are left out.
pub(crate) struct Selected {
    /// They are changed.
    pub(crate) installations: Vec<Arc<Installation>>,
    /// They have another active version.
    pub(crate) left_out: Vec<NotChanged>,
}

impl Shard {
    /// The installations of a package with a version, or with any if none is given.
    pub(crate) fn select(&self, selection: &Selection) -> Result<Selected, AppError> {
        let version = selection.version.as_deref().map(str::parse::<semver::Version>).transpose();
        let version = version.map_err(|error| AppError::invalid("select.version", format!("no version: {error}")))?;
        let mut of_package = self.store.installations();
        let group = selection.group.clone().map(Scope::Group);
        let members = self.process.config.members();
        of_package.retain(|installation| {
            installation.active.content.package == selection.package
                && group.as_ref().is_none_or(|group| group.covers(&installation.scope, &members))
        });
        of_package.sort_by(|a, b| a.name.cmp(&b.name));
        let is_selected = |installation: &Arc<Installation>| {
            version.as_ref().is_none_or(|version| installation.active.content.version == *version)
        };
        let (installations, others): (Vec<_>, Vec<_>) = of_package.into_iter().partition(is_selected);
        let left_out = |other: Arc<Installation>| NotChanged {
            name: other.name.clone(),
            reason: format!("its active version is {}", other.active.content.version),
        };
        if installations.is_empty() {
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            return Err(AppError::NotFound {
                what: format!("installation of {}{version}: see `handoff list`", selection.package),
            });
        }
        if installations.len() > SELECTED_MAX {
            let message = format!("at most {SELECTED_MAX} installations are changed at once");
            return Err(AppError::invalid("select", message));
        }
        Ok(Selected { installations, left_out: others.into_iter().map(left_out).collect() })
    }

    /// The same; without a version, those with the highest active version.
    pub(crate) fn select_newest(&self, selection: &Selection) -> Result<Selected, AppError> {
        let any = self.select(&Selection { version: None, ..selection.clone() })?;
        let highest = any.installations.iter().map(|installation| &installation.active.content.version).max();
        let highest = highest.map(ToString::to_string);
        self.select(&Selection { version: selection.version.clone().or(highest), ..selection.clone() })
    }
}
