//! Optimistic concurrency: which deliveries conflict.

use crate::conflicts::{RecentWrites, Snapshots};
use crate::{Attempt, Ready, Snapshot, Verdict};
use handoff_model::effects::{ReadSet, ScannedRange, Trace};
use handoff_model::names::InstallationId;

use super::support::{Bench, reads, run, writes};

/// An installation with entries that may all be delivered at once.
fn bench(entries: usize) -> (Bench, InstallationId, Vec<Ready>) {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    for number in 0..entries {
        store.add(&format!("event-{number}"), None);
    }
    let ready = store.ready(id, None, 100).unwrap();
    (store, id, ready)
}

fn commit(store: &Bench, attempt: Attempt, snapshot: Snapshot, wrote: &str, trace: Trace) -> Verdict {
    run(store.commit(attempt, snapshot, writes(&[(wrote, Some(b"1"))]), trace)).unwrap()
}

fn scanned(prefix: &str, after: Option<&str>, until: Option<&str>) -> Trace {
    let text = |text: &str| text.to_owned();
    let scan = ScannedRange { prefix: text(prefix), after: after.map(text), until: until.map(text) };
    Trace { reads: ReadSet { scans: vec![scan], ..ReadSet::default() }, ..Trace::default() }
}

#[test]
fn a_delivery_with_a_read_conflict_has_no_effect_and_may_run_again() {
    let (store, id, ready) = bench(3);
    let before = store.snapshot();
    assert!(matches!(
        commit(&store, store.attempt(id, ready[0]), store.snapshot(), "a", reads(&[])),
        Verdict::Done { .. }
    ));

    let late = store.attempt(id, ready[1]);
    assert_eq!(commit(&store, late.clone(), before, "b", reads(&["a"])), Verdict::Conflict);
    assert_eq!(store.state_get(id, "b").unwrap(), None, "nothing took effect");
    assert_eq!(store.counts(id).waiting, 2, "its entry still waits");
    // A second run sees the new value.
    assert!(matches!(commit(&store, late, store.snapshot(), "b", reads(&["a"])), Verdict::Done { .. }));
}

#[test]
fn a_failure_that_rests_on_stale_reads_is_no_failure() {
    let (store, id, ready) = bench(2);
    let before = store.snapshot();
    commit(&store, store.attempt(id, ready[0]), store.snapshot(), "a", reads(&[]));
    let failure = handoff_model::failure::Failure::reject("unknown", "not there");
    let attempt = store.attempt(id, ready[1]);
    let verdict = run(store.fail(attempt, before, failure, crate::FailureAction::DeadLetter, reads(&["a"]))).unwrap();
    assert_eq!(verdict, Verdict::Conflict);
    assert_eq!(store.counts(id).dead_letters, 0);
}

#[test]
fn only_writes_within_the_scanned_range_conflict() {
    // The scanned range, the key written in the meantime, and whether they conflict.
    let cases = [
        (("p/", None, None), "p/m", true),
        (("p/", None, None), "p/", true),
        (("p/", None, None), "p0", false),
        (("p/", None, None), "o", false),
        (("p/", Some("p/m"), None), "p/m", false),
        (("p/", Some("p/m"), None), "p/m0", true),
        (("p/", Some("a"), None), "p/a", true),
        (("p/", None, Some("p/m")), "p/m", true),
        (("p/", None, Some("p/m")), "p/m0", false),
        (("p/", Some("p/c"), Some("p/m")), "p/d", true),
        (("", None, None), "anything", true),
    ];
    let (store, id, ready) = bench(cases.len() * 2);
    let mut entries = ready.into_iter();
    for ((prefix, after, until), wrote, conflicts) in cases {
        let snapshot = store.snapshot();
        commit(&store, store.attempt(id, entries.next().unwrap()), store.snapshot(), wrote, reads(&[]));
        let late = store.attempt(id, entries.next().unwrap());
        let verdict = commit(&store, late, snapshot, "elsewhere", scanned(prefix, after, until));
        assert_eq!(verdict == Verdict::Conflict, conflicts, "scan {prefix:?} {after:?} {until:?}, write {wrote:?}");
    }
}

#[test]
fn other_installations_and_other_keys_do_not_conflict() {
    let (store, id, ready) = bench(2);
    let other = store.install("other", &["lead"]).id;
    store.add("shared", None);
    let snapshot = store.snapshot();
    commit(&store, store.attempt(other, store.first(other)), store.snapshot(), "a", reads(&[]));
    commit(&store, store.attempt(id, ready[0]), store.snapshot(), "b", reads(&[]));
    let late = store.attempt(id, ready[1]);
    assert!(matches!(commit(&store, late, snapshot, "c", reads(&["a", "c", "bb"])), Verdict::Done { .. }));
}

#[test]
fn pruning_keeps_only_writes_that_an_open_snapshot_may_conflict_with() {
    let snapshots = std::sync::Arc::new(Snapshots::default());
    let mut recent = RecentWrites::default();
    let id = InstallationId(1);
    let read = |key: &str| ReadSet { keys: [key.to_owned()].into(), scans: Vec::new() };
    let write = |recent: &mut RecentWrites, key: &str| {
        let commit = recent.note(id, [key.to_owned()].iter());
        snapshots.publish(commit);
        recent.prune(&snapshots);
    };
    write(&mut recent, "a");
    let old = snapshots.take();
    write(&mut recent, "b");
    let middle = snapshots.take();
    write(&mut recent, "c");
    write(&mut recent, "b");
    assert!(!recent.conflict(id, &read("a"), &old), "written before");
    assert!(recent.conflict(id, &read("b"), &old) && recent.conflict(id, &read("c"), &old));
    drop(old);
    recent.prune(&snapshots);
    assert!(recent.conflict(id, &read("b"), &middle), "written once more since");
    assert!(recent.conflict(id, &read("c"), &middle));
    drop(middle);
    recent.prune(&snapshots);
    assert!(recent.is_empty(), "nobody is left to conflict with");
}
