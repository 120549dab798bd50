//! Collects what a registry has not been sent yet, and shows it: only what this returns leaves the host.

use std::collections::{BTreeMap, BTreeSet};

use rand::TryRngCore as _;

use handoff_control::registry::failure_counts::{PackageCounts, RegistryCounts, RegistryCountsList, VersionCountsView};
use handoff_engine::ComponentTally;
use handoff_model::failure::host_codes;
use handoff_model::installation::{GenerationContent, Origin};
use handoff_package::failure_counts::{COUNT_MAX, FailureReport, VERSIONS_MAX, VersionCounts};
use handoff_package::manifest::{Name, PackageName, Version};
use handoff_package::package::Package;

use super::Pending;
use crate::error::AppError;
use crate::shard::Shard;

impl Shard {
    /// Shows what each registry will be sent next.
    pub fn list_failure_counts(&self) -> Result<RegistryCountsList, AppError> {
        let mut registries = Vec::new();
        for (name, config) in &self.process.config.registries.by_name {
            let packages = if config.share_failure_counts { self.unsent(name)? } else { Vec::new() };
            registries.push(RegistryCounts {
                registry: name.clone(),
                shares: config.share_failure_counts,
                last_sent_at: self.failure_counts.state.lock().last.get(name).copied().map(Into::into),
                packages: packages.iter().map(|pending| view(&pending.report)).collect(),
            });
        }
        Ok(RegistryCountsList { registries })
    }

    /// What a registry has not been sent yet, one report for each package. Blocks.
    pub(super) fn unsent(&self, registry: &str) -> Result<Vec<Pending>, AppError> {
        let mut reports = BTreeMap::<PackageName, Pending>::new();
        for content in self.components_of(registry)? {
            let Some((name, version)) = named(&content) else { continue };
            let now = self.engine()?.component_tally(&content.digest);
            let sent = (registry.to_owned(), content.digest.clone());
            let before = self.failure_counts.state.lock().sent.get(&sent).cloned().unwrap_or_default();
            let counts = self.since(&content.digest, &before, &now)?;
            if counts.is_empty() {
                continue;
            }
            let pending = match reports.get_mut(&name) {
                Some(pending) => pending,
                None => {
                    let report = self.empty_report(&name)?;
                    reports.entry(name).or_insert(Pending { report, reaches: Vec::new() })
                }
            };
            // The rest follows in the next report.
            let versions = &mut pending.report.versions;
            if versions.len() < VERSIONS_MAX || versions.contains_key(&version) {
                versions.entry(version).or_default().add(&counts);
                pending.reaches.push((content.digest, now));
            }
        }
        Ok(reports.into_values().collect())
    }

    fn empty_report(&self, package: &PackageName) -> Result<FailureReport, AppError> {
        let mut id = [0; 16];
        let random = rand::rngs::OsRng.try_fill_bytes(&mut id);
        random.map_err(|error| AppError::Internal(format!("no random numbers: {error}")))?;
        Ok(FailureReport {
            id: hex::encode(id),
            at_ms: self.now().0,
            package: package.clone(),
            versions: BTreeMap::new(),
        })
    }

    /// Components from a registry that are active or were active before, each once.
    fn components_of(&self, registry: &str) -> Result<Vec<GenerationContent>, AppError> {
        let (mut known, mut found) = (BTreeSet::new(), Vec::new());
        for installation in self.store.installations() {
            for record in std::iter::once(&installation.active).chain(&installation.previous) {
                let details = self.store.generation_details(installation.id, record.generation)?;
                let origin = details.map(|details| details.origin);
                let is_from_it = matches!(origin, Some(Origin::Registry { registry: from, .. }) if from == registry);
                if is_from_it && known.insert(record.content.digest.clone()) {
                    found.push(record.content.clone());
                }
            }
        }
        Ok(found)
    }

    /// The difference of two counts. Codes that neither the host nor the manifest defines are counted together: a
    /// connector chooses them while it handles an event, so they could carry data of the event.
    fn since(&self, digest: &str, before: &ComponentTally, now: &ComponentTally) -> Result<VersionCounts, AppError> {
        let less = |now: u64, before: u64| now.saturating_sub(before).min(COUNT_MAX);
        let mut counts = VersionCounts { committed: less(now.committed, before.committed), ..VersionCounts::default() };
        let mut listed: Option<Vec<Name>> = None;
        for (code, count) in &now.failures {
            let count = less(*count, before.failures.get(code).copied().unwrap_or_default());
            if count == 0 {
                continue;
            }
            let is_hosts = host_codes::is_crash(code) || host_codes::is_hosts_own(code);
            if !is_hosts && listed.is_none() {
                listed = Some(self.listed_codes(digest)?);
            }
            let is_listed = listed.iter().flatten().any(|listed| listed.as_str() == code);
            match code.parse::<Name>() {
                Ok(name) if is_hosts || is_listed => _ = counts.failures.insert(name, count),
                _ => counts.other_failures = counts.other_failures.saturating_add(count).min(COUNT_MAX),
            }
        }
        Ok(counts)
    }

    /// The codes that the manifest of a component lists; none if its bytes are gone.
    fn listed_codes(&self, digest: &str) -> Result<Vec<Name>, AppError> {
        let Ok(bytes) = self.packages.get(digest) else { return Ok(Vec::new()) };
        let package = Package::read_bounded(&bytes, self.process.config.runtime_limits.component_bytes);
        let package = package.map_err(|error| AppError::Internal(format!("package {digest}: {error}")))?;
        Ok(package.manifest.failures.codes)
    }
}

fn named(content: &GenerationContent) -> Option<(PackageName, Version)> {
    Some((content.package.parse().ok()?, content.version.to_string().parse().ok()?))
}

fn view(report: &FailureReport) -> PackageCounts {
    let versions = report.versions.iter().map(|(version, counts)| VersionCountsView {
        version: version.to_string(),
        committed: counts.committed,
        failures: counts.failures.iter().map(|(code, count)| (code.to_string(), *count)).collect(),
        other_failures: counts.other_failures,
    });
    PackageCounts { package: report.package.to_string(), versions: versions.collect() }
}
