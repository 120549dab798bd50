//! Limits and days, with times of the tests' own. Tests over HTTP have only loopback addresses and the system's clock.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use handoff_package::Digest;
use handoff_package::trust::{SigningKey, statement};

use super::*;
use crate::namespaces::Namespaces;

const NOW_MS: u64 = 1_800_000_000_000;

struct World {
    folder: tempfile::TempDir,
    storage: Storage,
    counts: FailureCounts,
    repository: Repository,
    key: SigningKey,
}

/// A registry with version 1.0.0 of a package whose name is bound to a key.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(folder.path()).unwrap();
    let repository = Repository::parse("acme/leads").unwrap();
    storage.put_tag(&repository, &Tag::parse("1.0.0").unwrap(), &Digest::of(b"x")).unwrap();
    let key = SigningKey::generate().unwrap();
    crate::bind_namespace(folder.path(), "acme", "", Some(key.public()), "test").unwrap();
    let counts = FailureCounts::of(folder.path());
    World { folder, storage, counts, repository, key }
}

fn report(number: u32, at_ms: u64) -> String {
    format!(
        r#"{{"id":"{number:032x}","atMs":{at_ms},"package":"acme/leads","versions":{{"1.0.0":{{"committed":2,"failures":{{"trap":1}}}}}}}}"#
    )
}

impl World {
    fn add(&self, number: u32, at_ms: u64, sender: &str, now_ms: u64) -> Result<bool, u16> {
        let from = (sender.parse().unwrap(), now_ms);
        let added = self.counts.add(&self.storage, &self.repository, report(number, at_ms).as_bytes(), from);
        added.map_err(|refusal| refusal.status.as_u16())
    }

    /// Reports, and failures with the code `trap`.
    fn summed(&self, days: u16, now_ms: u64) -> (u64, u64) {
        let said = statement::FailureCounts {
            package: "acme/leads".parse().unwrap(),
            key: self.key.public(),
            registry: "registry.example".to_owned(),
            days,
            signed_at_ms: now_ms,
        };
        let envelope = Statement::FailureCounts(said).sign(&self.key).to_json();
        let namespaces = Namespaces::of(self.folder.path());
        let keys = Keys { folder: None, namespaces: &namespaces };
        let at = ("registry.example", now_ms);
        let summary = self.counts.summary(&self.storage, keys, &self.repository, &envelope, at).unwrap();
        let traps = summary.versions.values().filter_map(|counts| counts.failures.get(&"trap".parse().unwrap()));
        (summary.reports, traps.sum())
    }
}

#[test]
fn a_report_counts_on_the_day_when_it_was_made() {
    let world = world();
    assert_eq!(world.add(1, NOW_MS - 2 * DAY_MS, "192.0.2.1", NOW_MS), Ok(true));
    assert_eq!(world.add(2, NOW_MS, "192.0.2.1", NOW_MS), Ok(true));
    assert_eq!((world.summed(1, NOW_MS), world.summed(2, NOW_MS), world.summed(3, NOW_MS)), ((1, 1), (1, 1), (2, 2)));
    // It arrives again a day later: that is the same report.
    assert_eq!(world.add(1, NOW_MS - 2 * DAY_MS, "192.0.2.1", NOW_MS + DAY_MS), Ok(false));
    assert_eq!(world.summed(90, NOW_MS + DAY_MS), (2, 2));
    // Later than the registry can tell, and from the future.
    assert_eq!(world.add(3, NOW_MS - 8 * DAY_MS, "192.0.2.1", NOW_MS), Err(400));
    assert_eq!(world.add(3, NOW_MS + 16 * 60_000, "192.0.2.1", NOW_MS), Err(400));
}

#[test]
fn counts_are_kept_for_ninety_days() {
    let world = world();
    assert_eq!(world.add(1, NOW_MS, "192.0.2.1", NOW_MS), Ok(true));
    let later = NOW_MS + 89 * DAY_MS;
    assert_eq!(world.add(2, later, "192.0.2.1", later), Ok(true));
    assert_eq!(world.summed(90, later), (2, 2));
    let later = NOW_MS + 90 * DAY_MS;
    assert_eq!(world.add(3, later, "192.0.2.1", later), Ok(true));
    assert_eq!(world.summed(90, later), (2, 2));
    let files = disk::names(&world.counts.folder(&world.repository)).unwrap();
    assert_eq!(files.len(), 2, "{files:?}");
}

#[test]
fn one_sender_cannot_use_up_the_reports_of_a_day() {
    let world = world();
    for number in 0..REPORTS_PER_SENDER_MAX {
        assert_eq!(world.counts.check_sender("192.0.2.1".parse().unwrap(), 7).map_err(|_| number), Ok(()));
    }
    let refused = world.counts.check_sender("192.0.2.1".parse().unwrap(), 7).unwrap_err();
    assert_eq!(refused.status.as_u16(), 429);
    assert!(world.counts.check_sender("192.0.2.2".parse().unwrap(), 7).is_ok(), "another sender");
    assert!(world.counts.check_sender("192.0.2.1".parse().unwrap(), 8).is_ok(), "another day");
}

#[test]
fn a_day_keeps_a_bounded_number_of_reports() {
    let world = world();
    let day = NOW_MS / DAY_MS;
    let reports = (0..REPORTS_MAX).map(|number| format!("{number:032x}")).collect();
    let full = Day { reports, versions: BTreeMap::new() };
    write(&world.storage, &world.counts.folder(&world.repository), day, &full).unwrap();
    assert_eq!(world.add(1_000_000, NOW_MS, "192.0.2.1", NOW_MS), Err(429));
    assert_eq!(world.add(5, NOW_MS, "192.0.2.1", NOW_MS), Ok(false), "known reports are still answered");
}
