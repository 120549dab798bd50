//! Converts results of the registry library to views for people and programs.

use handoff_package::index::{PackageIndex, Release, Status};
use handoff_package::resolve::{Pin, Requirement, ResolveOptions, resolve};
use handoff_registry_client::UnverifiedIndex;

use super::errors::resolve_error;
use crate::error::AppError;
use handoff_control::registry::{InfoView, ReleaseStatusView, ReleaseView};
use handoff_model::time::Timestamp;

/// The status of a release.
#[must_use]
pub fn status_view(status: &Status) -> ReleaseStatusView {
    match status {
        Status::Active => ReleaseStatusView::Active,
        Status::Deprecated { .. } => ReleaseStatusView::Deprecated,
        Status::Yanked { .. } => ReleaseStatusView::Yanked,
        Status::Recalled { .. } => ReleaseStatusView::Recalled,
    }
}

/// A package with its versions and the pin of the selected one. A version that is named exactly is shown whatever its
/// status.
pub fn info_view(
    shown: &UnverifiedIndex,
    registry: String,
    requirement: Option<&str>,
) -> Result<(InfoView, Option<Pin>), AppError> {
    let index = &shown.index;
    let named = requirement.and_then(|text| text.trim_start_matches('=').parse().ok());
    let pin = match named.and_then(|version| index.release(&version)) {
        Some(release) => Some(pin(index, release)),
        None => chosen(index, requirement)?,
    };
    // A request for certain versions shows the selected one, not all the others.
    let is_meant = |release: &&Release| match (&pin, requirement) {
        (Some(pin), Some(_)) => release.version == pin.version,
        _ => true,
    };
    let mut releases: Vec<&Release> = index.releases.iter().filter(is_meant).collect();
    releases.sort_by(|a, b| b.version.cmp(&a.version));
    let view = InfoView {
        package: index.package.to_string(),
        registry,
        claimed_keys: shown.claimed_keys.iter().map(ToString::to_string).collect(),
        signed_at: shown.claimed_at_ms.map(|at| Timestamp(at).into()),
        sequence: index.sequence,
        releases: releases.into_iter().map(release_view).collect(),
        chosen: pin.as_ref().map(|pin| pin.version.to_string()),
        offer: None,
        changes: None,
        readme: None,
    };
    Ok((view, pin))
}

fn chosen(index: &PackageIndex, requirement: Option<&str>) -> Result<Option<Pin>, AppError> {
    let Some(text) = requirement else {
        // Without a requirement, a package is shown even if none of its versions is available.
        return Ok(resolve(index, &Requirement::any(), &ResolveOptions::default()).ok().map(|chosen| chosen.pin));
    };
    let requirement: Requirement =
        text.parse().map_err(|error| AppError::invalid("requirement", format!("{error}")))?;
    let chosen = resolve(index, &requirement, &ResolveOptions::default()).map_err(|error| resolve_error(&error))?;
    Ok(Some(chosen.pin))
}

fn pin(index: &PackageIndex, release: &Release) -> Pin {
    Pin {
        package: index.package.clone(),
        version: release.version.clone(),
        digest: release.digest,
        manifest_digest: release.manifest_digest,
    }
}

fn release_view(release: &Release) -> ReleaseView {
    ReleaseView {
        version: release.version.to_string(),
        digest: release.digest.to_string(),
        status: status_view(&release.status),
        note: release.status.note().map(str::to_owned),
        published_at: Timestamp(release.published_at_ms).into(),
        interface: release.interface.to_string(),
        changes: release.changes.as_ref().map(ToString::to_string),
    }
}
