//! Asks registries periodically whether an active version was recalled. Each registry has its own period, which grows
//! while the registry does not answer. Changes no installation and installs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use handoff_package::manifest::PackageName;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio_util::sync::CancellationToken;

use crate::error::AppError;
use crate::incidents::raise::{Incident, raise};
use crate::shard::Shard;
use handoff_model::installation::Origin;
use handoff_model::time::Timestamp;

/// Maximum delay of the first check after the start, in milliseconds: many hosts may start together.
const FIRST_MS_MAX: u64 = 30_000;
/// Maximum period for a registry that does not answer, in milliseconds, unless the usual period is longer.
const BACK_OFF_MS_MAX: u64 = 24 * 3_600_000;
/// Timeout for the list of one package.
const LOOK_TIME: Duration = Duration::from_secs(60);
/// Maximum number of packages of one registry that are checked in one round. The next round checks the others.
const PACKAGES_MAX: usize = 1_000;

/// The kind of incident for a list that was received but is not trustworthy.
const LIST_REFUSED: &str = "list-refused";

/// The state of a registry between two rounds.
#[derive(Default)]
struct Pace {
    due: Timestamp,
    failures: u32,
    /// The last reported trouble. It is reported once, not in every round.
    trouble: Option<Trouble>,
    /// The package at which the last round stopped, if it did not check all.
    after: Option<PackageName>,
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    text: String,
    /// The package whose list was received but is not trustworthy. The registry works, but an operator should look at
    /// it.
    refused: Option<PackageName>,
}

impl Trouble {
    fn silence(text: String) -> Self {
        Self { text, refused: None }
    }
}

/// Checks until it is stopped. Returns immediately if the operator disabled it or there is no registry.
pub async fn run(shard: Arc<Shard>, stop: CancellationToken) {
    let every_ms = shard.process.config.recalls.every_s.saturating_mul(1_000);
    if every_ms == 0 || shard.process.config.registries.by_name.is_empty() {
        return;
    }
    let mut chance = StdRng::from_os_rng();
    let first = chance.random_range(0..=every_ms.min(FIRST_MS_MAX));
    let mut next = shard.now().plus_ms(first);
    let mut paces = BTreeMap::<String, Pace>::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shard.process.clock.wait_until(next) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = round(&shard, &mut paces, every_ms, &mut chance) => {}
        }
        let soonest = paces.values().map(|pace| pace.due).min();
        // Continues even if there is nothing to check: something may be installed later.
        let usual = shard.now().plus_ms(jittered(every_ms, &mut chance));
        next = soonest.map_or(usual, |due| due.min(usual));
    }
}

/// Checks every registry that is due.
async fn round(shard: &Shard, paces: &mut BTreeMap<String, Pace>, every_ms: u64, chance: &mut StdRng) {
    let watched = match watched(shard) {
        Ok(watched) => watched,
        Err(error) => return tracing::error!(error = error.chain(), "no look for recalls"),
    };
    paces.retain(|name, _| watched.contains_key(name));
    for (name, packages) in watched {
        let pace = paces.entry(name.clone()).or_default();
        if pace.due > shard.now() {
            continue;
        }
        let trouble = look(shard, &name, &packages, &mut pace.after).await.err();
        if let Some(news) = trouble.as_ref().filter(|trouble| pace.trouble.as_ref() != Some(trouble)) {
            tracing::warn!(registry = name, reason = news.text, "the registry says nothing about recalls");
            if let Err(error) = tell(shard, &name, news).await {
                tracing::error!(error = error.chain(), "no incident about a list that is refused");
            }
        }
        pace.failures = if trouble.is_some() { pace.failures.saturating_add(1) } else { 0 };
        pace.trouble = trouble;
        let pause = every_ms.saturating_mul(1 << pace.failures.min(10)).min(every_ms.max(BACK_OFF_MS_MAX));
        pace.due = shard.now().plus_ms(jittered(pause, chance));
    }
}

/// Raises an incident about a refused list, unless an open one says the same: a restart does not raise it again.
async fn tell(shard: &Shard, registry: &str, trouble: &Trouble) -> Result<(), AppError> {
    let Some(package) = &trouble.refused else { return Ok(()) };
    let message = format!(
        "registry `{registry}` gives a list of {package} that is refused, so nothing is heard of recalls: {}",
        trouble.text,
    );
    // Newest first: ids begin with the time.
    let open = shard.store.incidents()?.into_iter().rev().map(|(_, incident)| incident);
    if open.into_iter().find(|incident| incident.kind == LIST_REFUSED).is_some_and(|last| last.message == message) {
        return Ok(());
    }
    let incident = Incident {
        at: shard.now(),
        kind: LIST_REFUSED.to_owned(),
        installation: None,
        message,
        command: Some(format!("handoff info {package}")),
        evidence: serde_json::json!({ "registry": registry, "package": package.to_string() }),
    };
    raise(&shard.store, incident).await
}

/// Checks packages of a registry once. An untrustworthy list does not prevent the check of the others.
async fn look(
    shard: &Shard,
    name: &str,
    packages: &BTreeSet<PackageName>,
    after: &mut Option<PackageName>,
) -> Result<(), Trouble> {
    let (name, registry) = shard.registry(Some(name)).await.map_err(|error| Trouble::silence(error.chain()))?;
    let mut trouble = None;
    let mut looked = 0;
    let rest: Vec<&PackageName> = packages.iter().filter(|it| after.as_ref().is_none_or(|after| *it > after)).collect();
    for package in rest.iter().take(PACKAGES_MAX) {
        looked += 1;
        let done = tokio::time::timeout(LOOK_TIME, shard.package_index(&name, &registry, package)).await;
        let problem = match done {
            Ok(Ok(_)) => continue,
            Ok(Err(error @ AppError::Registry { .. })) => {
                // The registry itself failed: requests for the other packages would fail too.
                return Err(Trouble::silence(error.chain()));
            }
            Ok(Err(error)) => Trouble { text: error.chain(), refused: Some((*package).clone()) },
            Err(_) => {
                let text = format!("no answer about {package} within {} s", LOOK_TIME.as_secs());
                return Err(Trouble::silence(text));
            }
        };
        trouble = trouble.or(Some(problem));
    }
    *after = rest.get(looked).and_then(|_| rest.get(looked.saturating_sub(1))).map(|last| (*last).clone());
    trouble.map_or(Ok(()), Err)
}

/// Packages that are active or available for a rollback, by the registry that they came from.
fn watched(shard: &Shard) -> Result<BTreeMap<String, BTreeSet<PackageName>>, AppError> {
    let mut watched = BTreeMap::<String, BTreeSet<PackageName>>::new();
    for installation in shard.store.installations() {
        for record in std::iter::once(&installation.active).chain(&installation.previous) {
            let details = shard.store.generation_details(installation.id, record.generation)?;
            let Some(Origin::Registry { registry, .. }) = details.map(|details| details.origin) else { continue };
            let is_known = shard.process.config.registries.by_name.contains_key(&registry);
            if let Ok(package) = record.content.package.parse()
                && is_known
            {
                watched.entry(registry).or_default().insert(package);
            }
        }
    }
    Ok(watched)
}

/// Varies by up to a tenth, so that hosts do not ask at the same time.
fn jittered(ms: u64, chance: &mut StdRng) -> u64 {
    let tenth = ms / 10;
    ms.saturating_sub(tenth).saturating_add(chance.random_range(0..=tenth.saturating_mul(2)))
}
