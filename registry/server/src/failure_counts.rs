//! How often versions failed: hosts whose operators agree send counts, and the publisher reads their sums. One file for each
//! package and day holds the sums and the ids of the reports in it, so that a report that arrives twice counts once.
//!
//! Reports come from everybody who may read the package, and prove nothing: they are bounded in number, and no decision depends
//! on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use handoff_listen::sender;
use handoff_package::artifact::INDEX_TAG;
use handoff_package::failure_counts::{DAYS_MAX, FailureReport, FailureSummary, VersionCounts};
use handoff_package::manifest::{PackageName, Version};
use handoff_package::trust::{Envelope, PublicKey, Statement};

use crate::disk;
use crate::name::{Repository, Tag};
use crate::publish::{self, is_repository_of};
use crate::publisher_keys::Keys;
use crate::refusal::{Code, Refusal};
use crate::storage::Storage;

const DAY_MS: u64 = 86_400_000;
/// How long a host may keep a report before the registry gets it, in days. Older ones could count twice.
const REPORT_AGE_DAYS_MAX: u64 = 7;
/// How far the clocks of host or publisher and registry may differ.
const CLOCK_SKEW_MS: u64 = 15 * 60_000;
/// Most reports about a package on one day.
const REPORTS_MAX: usize = 10_000;
/// Most versions on one day.
const VERSIONS_MAX: usize = 256;
/// Most reports of one sender on one day. Hosts behind one address share them.
const REPORTS_PER_SENDER_MAX: u32 = 1_000;
/// Most senders that are counted on one day; further ones are refused.
const SENDERS_MAX: usize = 100_000;
/// Largest file, in bytes: all reports, and all codes of all versions.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// The reports of a day about one package.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Day {
    reports: BTreeSet<String>,
    versions: BTreeMap<Version, VersionCounts>,
}

/// The folder `failure-counts` of a registry's data.
#[derive(Debug)]
pub(super) struct FailureCounts {
    root: PathBuf,
    /// Reports of this day by sender. In memory: a restart starts at zero.
    senders: Mutex<(u64, HashMap<IpAddr, u32>)>,
}

impl FailureCounts {
    pub(super) fn of(data: &Path) -> Self {
        Self { root: data.join("failure-counts"), senders: Mutex::default() }
    }

    fn folder(&self, repository: &Repository) -> PathBuf {
        self.root.join(repository.as_str())
    }

    /// Adds a report. Returns whether it is new. Blocks.
    pub(super) fn add(
        &self,
        storage: &Storage,
        repository: &Repository,
        json: &[u8],
        (address, now_ms): (IpAddr, u64),
    ) -> Result<bool, Refusal> {
        let mut report = FailureReport::from_json(json).map_err(|error| invalid(error.to_string()))?;
        check_package(repository, &report.package)?;
        let (day, today) = (report.at_ms / DAY_MS, now_ms / DAY_MS);
        if report.at_ms > now_ms.saturating_add(CLOCK_SKEW_MS) || today.saturating_sub(day) > REPORT_AGE_DAYS_MAX {
            let text = format!(
                "the report is older than {REPORT_AGE_DAYS_MAX} days or from the future: check the host's clock"
            );
            return Err(invalid(text));
        }
        let mut known = BTreeSet::new();
        for version in report.versions.keys() {
            let tag = Tag::parse(&version.to_string());
            if let Some(tag) = tag
                && storage.tag(repository, &tag)?.is_some()
            {
                known.insert(version.clone());
            }
        }
        report.versions.retain(|version, _| known.contains(version));
        if report.versions.is_empty() {
            return Err(Refusal::new(Code::NameUnknown, format!("{repository} has none of these versions")));
        }
        self.check_sender(sender(address), today)?;
        let internal = |error: io::Error| Refusal::internal(&error);
        let _turn = storage.turn(repository);
        let folder = self.folder(repository);
        let mut of_day = read(&folder, day).map_err(internal)?;
        if of_day.reports.contains(&report.id) {
            return Ok(false);
        }
        if of_day.reports.len() >= REPORTS_MAX {
            return Err(full("as many reports about this package came today as are kept"));
        }
        of_day.reports.insert(report.id);
        for (version, counts) in &report.versions {
            if of_day.versions.contains_key(version) || of_day.versions.len() < VERSIONS_MAX {
                of_day.versions.entry(version.clone()).or_default().add(counts);
            }
        }
        write(storage, &folder, day, &of_day).map_err(internal)?;
        remove_old(&folder, today).map_err(internal)?;
        Ok(true)
    }

    fn check_sender(&self, sender: IpAddr, today: u64) -> Result<(), Refusal> {
        let mut senders = self.senders.lock();
        if senders.0 != today {
            *senders = (today, HashMap::new());
        }
        let has_room = senders.1.len() < SENDERS_MAX || senders.1.contains_key(&sender);
        let sent = senders.1.entry(sender).or_default();
        if !has_room || *sent >= REPORTS_PER_SENDER_MAX {
            return Err(full("as many reports came from this address today as are accepted"));
        }
        *sent += 1;
        Ok(())
    }

    /// Answers the signed question of a publisher. `host` is the host that the client asked. Blocks.
    pub(super) fn summary(
        &self,
        storage: &Storage,
        keys: Keys<'_>,
        repository: &Repository,
        envelope: &[u8],
        (host, now_ms): (&str, u64),
    ) -> Result<FailureSummary, Refusal> {
        let envelope = Envelope::from_json(envelope).map_err(|error| invalid(error.to_string()))?;
        let statement = Statement::claimed(&envelope).map_err(|problem| invalid(format!("the question {problem}")))?;
        let Statement::FailureCounts(said) = statement else {
            return Err(invalid(format!("found a statement about {}, not a question", statement.about())));
        };
        check_package(repository, &said.package)?;
        if !envelope.is_signed_by(&said.key) {
            return Err(invalid("the key of the question did not sign it".to_owned()));
        }
        if said.registry != host {
            return Err(invalid(format!("the question is for another registry, and this is `{host}`")));
        }
        if said.signed_at_ms.abs_diff(now_ms) > CLOCK_SKEW_MS {
            return Err(invalid("the question was signed over 15 minutes ago or ahead: check the clock".to_owned()));
        }
        if !(1..=DAYS_MAX).contains(&said.days) {
            return Err(invalid(format!("found {} days, expected 1 to {DAYS_MAX}", said.days)));
        }
        if !is_publishers(storage, keys, repository, &said.package, &said.key)? {
            let text = format!(
                "the counts of {} are for its publisher: ask with a key that may sign its list of versions",
                said.package
            );
            return Err(Refusal::new(Code::Denied, text));
        }
        let today = now_ms / DAY_MS;
        let mut summary =
            FailureSummary { package: said.package, days: said.days, reports: 0, versions: BTreeMap::new() };
        for day in (today + 1).saturating_sub(u64::from(said.days))..=today {
            let of_day = read(&self.folder(repository), day).map_err(|error| Refusal::internal(&error))?;
            summary.reports += u64::try_from(of_day.reports.len()).unwrap_or(u64::MAX);
            for (version, counts) in of_day.versions {
                summary.versions.entry(version).or_default().add(&counts);
            }
        }
        Ok(summary)
    }
}

/// Whether a key is one of the publisher's: one that the registry knows, or, if it knows none, the one that signed the present
/// list of versions.
fn is_publishers(
    storage: &Storage,
    keys: Keys<'_>,
    repository: &Repository,
    package: &PackageName,
    key: &PublicKey,
) -> Result<bool, Refusal> {
    if let Some(known) = keys.of(package).map_err(|error| Refusal::internal(&error))? {
        return Ok(known.keys(package.publisher()).iter().any(|known| known.key == *key));
    }
    let Some(tag) = Tag::parse(INDEX_TAG) else { return Ok(false) };
    let Some(digest) = storage.tag(repository, &tag)? else { return Ok(false) };
    let manifest = storage.content(&digest)?.unwrap_or_default();
    let Ok((_, _, envelope)) = publish::index::read(storage, &manifest)? else { return Ok(false) };
    Ok(Envelope::from_json(&envelope).is_ok_and(|envelope| envelope.is_signed_by(key)))
}

fn check_package(repository: &Repository, package: &PackageName) -> Result<(), Refusal> {
    if is_repository_of(repository, package.as_str()) {
        return Ok(());
    }
    Err(invalid(format!("it is about {package}, but was sent for {repository}")))
}

fn path(folder: &Path, day: u64) -> PathBuf {
    folder.join(format!("{day}.json"))
}

fn read(folder: &Path, day: u64) -> io::Result<Day> {
    use io::Read as _;
    let path = path(folder, day);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Day::default()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn write(storage: &Storage, folder: &Path, day: u64, of_day: &Day) -> io::Result<()> {
    disk::make_folders(storage.root(), folder)?;
    let bytes = serde_json::to_vec(of_day).map_err(io::Error::other)?;
    let staged = disk::stage(&storage.staging(), &bytes)?;
    disk::settle(&staged, &path(folder, day))
}

/// Removes the files of days that are over for longer than a publisher can ask for.
fn remove_old(folder: &Path, today: u64) -> io::Result<()> {
    for name in disk::names(folder)? {
        let day = name.strip_suffix(".json").and_then(|day| day.parse::<u64>().ok());
        if day.is_some_and(|day| today.saturating_sub(day) >= u64::from(DAYS_MAX)) {
            disk::remove(&folder.join(name))?;
        }
    }
    Ok(())
}

fn invalid(text: String) -> Refusal {
    Refusal::new(Code::Unsupported, text).with_status(http::StatusCode::BAD_REQUEST)
}

fn full(text: &str) -> Refusal {
    Refusal::new(Code::TooManyRequests, text).with_header(http::header::RETRY_AFTER, "86400")
}

#[cfg(test)]
mod tests;
