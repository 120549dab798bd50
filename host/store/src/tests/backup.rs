//! Backups: what is in them, what is refused, and what they do to retention.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::{
    Appended, AuditVerdict, Backup, BackupError, MemoryJournal, Store, StoreOptions, restore_backup, verify_backup,
};
use handoff_model::effects::Effects;
use handoff_model::time::Timestamp;

use super::support::{Bench, event, run, writes};

const AT: Timestamp = Timestamp(77);

/// A store whose journal has several segments, an export and a body in a file.
fn busy() -> Bench {
    let store = Bench::new(|options| (options.segment_bytes, options.inline_body_bytes) = (2_000, 1_000));
    let id = store.install("leads", &["lead"]).id;
    for number in 0..30_u8 {
        store.add(&format!("old-{number}"), None);
        store.commit_first(id, writes(&[("k", Some(&[number]))]));
    }
    assert!(run(store.retain(Timestamp(0), 4_000)).unwrap().segments > 0);
    let large = handoff_model::event::Event { data: vec![7; 5_000], ..event("large", None) };
    store.append_one(large);
    store
}

fn back_up(store: &Store, folder: &Path) -> Backup {
    store.back_up(folder, "0.1.0", AT).unwrap()
}

fn opened(data: &Path) -> Store {
    Store::open(StoreOptions { segment_bytes: 2_000, ..StoreOptions::in_small_steps(data) }).unwrap()
}

#[test]
fn a_backup_under_load_holds_all_that_was_acknowledged_before_it() {
    let store = busy();
    let id = store.installations()[0].id;
    let folder = tempfile::tempdir().unwrap();
    let (added, is_done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (before, made) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                store.add(&format!("new-{}", added.load(Ordering::SeqCst)), None);
                added.fetch_add(1, Ordering::SeqCst);
                store.commit_first(id, writes(&[("k", Some(b"new"))]));
                run(store.retain(Timestamp(0), 400_000)).unwrap();
            }
        });
        while added.load(Ordering::SeqCst) < 20 {
            std::thread::yield_now();
        }
        let before = added.load(Ordering::SeqCst);
        let made = back_up(&store, folder.path());
        is_done.store(true, Ordering::SeqCst);
        (before, made)
    });
    assert_eq!(verify_backup(folder.path()).unwrap(), made);

    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    assert_eq!(restore_backup(folder.path(), &data).unwrap(), made);
    let restored = opened(&data);
    // Retention goes on: what it has dropped by now may have been dropped before the backup began.
    let is_kept = |number: &usize| {
        store.position_of(&super::support::scope(), "/outside", &format!("new-{number}")).unwrap().is_some()
    };
    let kept: Vec<usize> = (0..before).filter(is_kept).collect();
    assert!(!kept.is_empty());
    for number in kept {
        let event = event(&format!("new-{number}"), None);
        let new = crate::NewEvent { event, to: crate::Recipients::Rooftop(super::support::rooftop()) };
        let repeated = run(restored.append(vec![new], Timestamp(1), None)).unwrap()[0];
        assert!(matches!(repeated, Appended::Duplicate { .. }), "new-{number} is missing");
    }
    let large = restored.position_of(&super::support::scope(), "/outside", "large").unwrap().unwrap();
    assert_eq!(restored.event(large).unwrap().unwrap().event.data, vec![7; 5_000]);
    assert_eq!(restored.state_get(id, "k").unwrap(), Some(b"new".to_vec()));
    assert!(matches!(restored.verify_audit().unwrap(), AuditVerdict::Sound { .. }));
}

#[test]
fn a_backup_that_is_unfinished_damaged_or_too_new_is_refused() {
    type Touch = fn(&Path);
    fn edit(folder: &Path, change: impl Fn(&mut serde_json::Value)) {
        let path = folder.join("backup.json");
        let mut list = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut list);
        fs::write(&path, list.to_string()).unwrap();
    }
    let touches: [(&str, Touch); 7] = [
        ("was not finished", |folder| fs::remove_file(folder.join("backup.json")).unwrap()),
        ("is missing", |folder| fs::remove_file(folder.join("export")).unwrap()),
        ("its SHA-256", |folder| {
            let mut bytes = fs::read(folder.join("export")).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(folder.join("export"), bytes).unwrap();
        }),
        ("bytes, the list says", |folder| fs::write(folder.join("export"), "short").unwrap()),
        ("a file below the folder", |folder| edit(folder, |list| list["files"][0]["path"] = "../export".into())),
        ("a file below the folder", |folder| edit(folder, |list| list["files"][0]["path"] = "/etc/passwd".into())),
        ("or a newer one", |folder| edit(folder, |list| list["schema"] = 1_000.into())),
    ];
    let store = busy();
    for (expected, touch) in touches {
        let folder = tempfile::tempdir().unwrap();
        back_up(&store, folder.path());
        touch(folder.path());
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        for refused in [verify_backup(folder.path()), restore_backup(folder.path(), &data)] {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(expected), "{expected}: {told}");
        }
        assert!(!data.exists(), "{expected}: nothing is left of a restore that failed");
    }
}

#[test]
fn neither_a_backup_nor_a_restore_overwrites_anything() {
    let store = busy();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    back_up(&store, folder.path());
    fs::write(data.path().join("mine"), "kept").unwrap();
    let onto_a_backup = store.back_up(folder.path(), "0.1.0", AT);
    assert!(matches!(onto_a_backup, Err(BackupError::NotEmpty(_))), "{onto_a_backup:?}");
    let onto_data = restore_backup(folder.path(), data.path());
    assert!(matches!(onto_data, Err(BackupError::NotEmpty(_))), "{onto_data:?}");
    assert_eq!(fs::read_to_string(data.path().join("mine")).unwrap(), "kept");
}

#[test]
fn retention_drops_nothing_that_a_backup_is_copying() {
    let store = busy();
    let id = store.installations()[0].id;
    while store.first(id).position.0 < 35 {
        store.commit_first(id, Effects::default());
        store.add(&format!("more-{}", store.last_position()), None);
    }
    let segments = || store.shared.journal.segments().unwrap().len();
    let before = segments();
    let copying = store.shared.retention.lock();
    assert_eq!(run(store.retain(Timestamp(0), 1)).unwrap().segments, 0);
    assert!(segments() >= before);
    drop(copying);
    assert!(run(store.retain(Timestamp(0), 1)).unwrap().segments > 0);
}

#[test]
fn a_journal_that_is_not_in_files_says_where_to_back_it_up() {
    let store = Bench::over(std::sync::Arc::new(MemoryJournal::new(1 << 20)), |_| ());
    let folder = tempfile::tempdir().unwrap();
    let refused = store.back_up(folder.path(), "0.1.0", AT).unwrap_err();
    assert!(refused.to_string().contains("where it is kept"), "{refused}");
}
