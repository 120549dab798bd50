//! Disks that are full, read-only, slow or broken, at every call, and files with flipped bits: no acknowledged data is
//! lost silently, and damage is reported.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use handoff_storage_shim::disk::{Choices, Keep};
use handoff_storage_shim::{Faults, Watch};

use crate::index::forget_boot;
use crate::journal::JournalError;
use crate::{NewEvent, Recipients, Store, StoreError};
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::power::{folder, quietly, setting};
use super::random::small;
use super::support::{Bench, copy_folder, event, rooftop, run, scope, writes};

/// Appends an event. The data of every third event is large enough for a separate file.
fn append(store: &Store, number: u32) -> Result<(), StoreError> {
    let mut event = event(&format!("event-{number}"), Some("k"));
    event.data = vec![number.to_le_bytes()[0]; if number.is_multiple_of(3) { 2_000 } else { 100 }];
    run(store.append(vec![NewEvent { event, to: Recipients::Rooftop(rooftop()) }], Timestamp(1), None)).map(drop)
}

/// The acknowledged events that are missing, wrong or unreadable, with the reason.
fn missing(store: &Store, acknowledged: &[u32]) -> Vec<(u32, String)> {
    let look = |number: &u32| -> Option<(u32, String)> {
        let place = match store.position_of(&scope(), "/outside", &format!("event-{number}")) {
            Ok(Some(place)) => place,
            Ok(None) => return Some((*number, "gone without a word".to_owned())),
            Err(error) => return Some((*number, error.to_string())),
        };
        match store.event(place) {
            Ok(Some(found)) if found.event.data.iter().all(|byte| *byte == number.to_le_bytes()[0]) => None,
            Ok(_) => Some((*number, "another than was taken".to_owned())),
            Err(error) => Some((*number, error.to_string())),
        }
    };
    acknowledged.iter().filter_map(look).collect()
}

/// Appends, checkpoints and retires segments, and continues after refusals.
fn work(store: &Store) -> (Vec<u32>, usize) {
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    let mut has_stopped = false;
    for number in 1..60 {
        match append(store, number) {
            Ok(()) => {
                assert!(!has_stopped, "acknowledged after the store had stopped");
                acknowledged.push(number);
            }
            Err(StoreError::Stopped(_)) => {
                has_stopped = true;
                refused += 1;
            }
            // A body that does not fit, or an unreadable index, refuses only its own event.
            Err(StoreError::Io { .. } | StoreError::BodyNotKept(_) | StoreError::Index(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
        if number % 20 == 0 {
            let _ = run(store.checkpoint());
            let _ = run(store.retain(Timestamp(0), 20_000));
        }
    }
    (acknowledged, refused)
}

#[test]
fn a_full_read_only_or_failing_disk_costs_nothing_that_was_acknowledged() {
    let none = Faults::default;
    let table: Vec<Faults> = (0..12_u64)
        .map(|part| Faults { room: Some(part * 9_000), ..none() })
        .chain((0..60).map(|after| Faults { failing_sync: Some(after), ..none() }))
        .chain((0..60).map(|after| Faults { failing_call: Some(after * 3), ..none() }))
        .chain([
            Faults { read_only: true, ..none() },
            Faults { read_only: true, only: "index".to_owned(), ..none() },
            Faults { write_bytes_max: Some(7), ..none() },
        ])
        .collect();
    for faults in table {
        let what = format!("{faults:?}");
        let is_harmless = faults.write_bytes_max.is_some();
        let dir = folder();
        let (watch, disk) = Watch::new(dir.path()).unwrap();
        let mut store = Bench::open_in(dir, small).unwrap();
        store.install("leads", &["lead"]);
        watch.set_faults(faults);
        let (acknowledged, refused) = with_room_in_the_end(&store, &watch, || work(&store));
        assert!(!is_harmless || refused == 0, "{what}: short writes are no failure");
        store.close();
        watch.set_faults(Faults::default());
        store.reopen().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(missing(&store, &acknowledged), [], "{what}: on the sound disk");
        // Continues: the data that it builds on must be on the disk, not only in the kernel's memory.
        for number in 100..103 {
            append(&store, number).unwrap();
        }
        let acknowledged = [acknowledged, (100..103).collect()].concat();
        let mut left = disk;
        watch.ops().iter().for_each(|change| left.apply(change));
        store.close();
        let image = folder();
        left.write_image(image.path(), Keep::Nothing, &mut Choices(1)).unwrap();
        forget_boot(&image.path().join("index"));
        let store = Bench::open_in(image, small).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(missing(&store, &acknowledged), [], "{what}: after a power cut");
    }
}

/// Runs some work, and frees disk space once the journal waits for it.
fn with_room_in_the_end<T>(store: &Store, watch: &Watch, work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                if store.blocked().is_some() {
                    watch.set_faults(Faults::default());
                }
                std::thread::yield_now();
            }
        });
        let done = work();
        is_done.store(true, Ordering::SeqCst);
        done
    })
}

#[test]
fn a_journal_without_room_waits_and_goes_on_when_there_is_some() {
    for room in [0, 10, 100] {
        let dir = folder();
        let (watch, _) = Watch::new(dir.path()).unwrap();
        let mut store = Bench::open_in(dir, small).unwrap();
        store.install("leads", &["lead"]);
        append(&store, 1).unwrap();
        watch.set_faults(Faults { room: Some(room), only: "journal".to_owned(), ..Faults::default() });
        let answered = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (store, answered) = (&store, &answered);
            let waiting = scope.spawn(move || {
                let done = append(store, 2);
                answered.store(true, Ordering::SeqCst);
                done
            });
            while store.blocked().is_none() {
                std::thread::yield_now();
            }
            assert!(!answered.load(Ordering::SeqCst) && store.stopped().is_none());
            watch.set_faults(Faults::default());
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(store.blocked(), None);
        append(&store, 4).unwrap();
        assert_eq!(missing(&store, &[1, 2, 4]), []);
        store.kill();
        assert_eq!(missing(&store, &[1, 2, 4]), [], "{room}: from the disk");
    }
}

#[test]
fn a_store_that_waits_for_room_ends_when_nobody_is_left() {
    let dir = folder();
    let (watch, _) = Watch::new(dir.path()).unwrap();
    let mut store = Bench::open_in(dir, small).unwrap();
    store.install("leads", &["lead"]);
    append(&store, 1).unwrap();
    watch.set_faults(Faults { room: Some(0), only: "journal".to_owned(), ..Faults::default() });
    let gives_up = run(async {
        let new = NewEvent { event: event("event-2", None), to: Recipients::Rooftop(rooftop()) };
        let (append, blocked) = (store.append(vec![new], Timestamp(1), None), async {
            while store.blocked().is_none() {
                tokio::task::yield_now().await;
            }
        });
        tokio::select! {
            _ = append => false,
            () = blocked => true,
        }
    });
    assert!(gives_up);
    store.close();
    watch.set_faults(Faults::default());
    store.reopen().unwrap();
    assert_eq!(missing(&store, &[1]), []);
}

#[test]
fn nothing_is_acknowledged_while_a_slow_sync_is_under_way() {
    let dir = folder();
    let (watch, _) = Watch::new(dir.path()).unwrap();
    let store = Bench::open_in(dir, small).unwrap();
    store.install("leads", &["lead"]);
    let other = Store::clone(&store);
    let answered = std::sync::Arc::new(AtomicBool::new(false));
    let flag = answered.clone();
    let gate = watch.hold_syncs();
    let thread = std::thread::spawn(move || {
        append(&other, 1).unwrap();
        flag.store(true, Ordering::SeqCst);
    });
    gate.wait_for_sync();
    assert!(!answered.load(Ordering::SeqCst), "its sync has not ended");
    drop(gate);
    thread.join().unwrap();
    assert_eq!(missing(&store, &[1]), []);
}

/// A data folder with every kind of file, closed regularly or killed.
fn sample(is_killed: bool) -> (Bench, Vec<u32>) {
    let mut store = Bench::open_in(folder(), small).unwrap();
    let id = store.install("leads", &["lead"]).id;
    let mut acknowledged = Vec::new();
    for number in 1..90 {
        append(&store, number).unwrap();
        if number < 30 {
            store.commit_first(id, writes(&[("k", Some(&number.to_le_bytes()))]));
        } else {
            acknowledged.push(number);
        }
    }
    assert!(run(store.retain(Timestamp(0), 20_000)).unwrap().segments > 0);
    for number in 90..95 {
        append(&store, number).unwrap();
        acknowledged.push(number);
    }
    let killed = store.copy();
    store.close();
    if is_killed {
        store.dir = killed;
    }
    (store, acknowledged)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_flipped_bit_anywhere_is_repaired_or_reported_and_loses_nothing() {
    let mut choices = Choices(setting("HANDOFF_POWER_SEED", 1));
    let random = usize::try_from(setting("HANDOFF_POWER_FLIPS", 6)).unwrap();
    let (mut mended, mut named) = (0, 0);
    for is_killed in [false, true] {
        let (store, acknowledged) = sample(is_killed);
        for file in files(store.dir.path()) {
            let below = file.strip_prefix(store.dir.path()).unwrap().to_path_buf();
            let bytes = fs::read(&file).unwrap().len();
            // Every byte of the header, and random offsets.
            let header = (0..bytes.min(28)).step_by(if random > 6 { 1 } else { 3 });
            let places: Vec<usize> = header.chain((0..random).map(|_| choices.below(bytes))).collect();
            for place in places.into_iter().filter(|_| bytes > 0) {
                let bit = choices.below(8);
                let what = format!("{}, byte {place}, bit {bit}, killed: {is_killed}", below.display());
                let copy = folder();
                copy_folder(store.dir.path(), copy.path());
                let damaged = copy.path().join(&below);
                let mut content = fs::read(&damaged).unwrap();
                content[place] ^= 1 << bit;
                fs::write(&damaged, content).unwrap();
                let opened = quietly(|| match Bench::open_in(copy, small) {
                    Err(StoreError::Journal(JournalError::Damaged { path, .. })) => assert_eq!(path, damaged),
                    Err(other) => panic!("{other}"),
                    Ok(store) => {
                        for (number, report) in missing(&store, &acknowledged) {
                            assert!(report.contains(&damaged.display().to_string()), "event {number}: {report}");
                        }
                        append(&store, 200).unwrap();
                        panic!("mended");
                    }
                });
                match opened {
                    Ok(()) => named += 1,
                    Err(said) if said == "mended" => mended += 1,
                    Err(said) => panic!("{what}: {said}"),
                }
            }
        }
    }
    println!("{mended} mended or named when read, {named} named at the start");
    assert!(mended > 500 && named > 10, "{mended} mended or named when read, {named} named at the start");
}

#[test]
fn a_damaged_old_segment_is_kept_by_retention_with_all_that_waits_in_it() {
    let store = Bench::open_in(folder(), small).unwrap();
    store.install("leads", &["lead"]);
    (1..60).for_each(|number| append(&store, number).unwrap());
    let journal = store.options.dir.join("journal");
    let first = crate::journal::file::segment_path(&journal, 1);
    let mut content = fs::read(&first).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&first, content).unwrap();
    let refused = run(store.retain(Timestamp(0), 1));
    assert!(
        matches!(&refused, Err(StoreError::Journal(JournalError::Damaged { path, .. })) if *path == first),
        "{refused:?}"
    );
    assert!(first.exists(), "what stands after the damage may still be needed");
    assert!(store.event(Position(1)).unwrap().is_some());
}

#[test]
fn a_repair_reports_the_loss_and_continues_once_it_is_accepted() {
    let mut store = Bench::open_in(folder(), |_| ()).unwrap();
    store.install("leads", &["lead"]);
    let journal = store.options.dir.join("journal");
    let path = crate::journal::file::segment_path(&journal, 1);
    let length = || fs::metadata(&path).unwrap().len();
    let ends: Vec<u64> = (1..10)
        .map(|number| {
            append(&store, number).unwrap();
            length()
        })
        .collect();
    // A killed store without an index: every frame is read.
    let copy = store.copy();
    store.close();
    fs::remove_dir_all(copy.path().join("index")).unwrap();
    let path = copy.path().join("journal").join(path.file_name().unwrap());
    let sound = fs::read(&path).unwrap();
    let options = crate::StoreOptions::in_small_steps(copy.path());
    assert_eq!(crate::repair(&options, true).unwrap(), [], "a sound journal stays as it is");
    assert_eq!(fs::read(&path).unwrap(), sound);

    let mut damaged = sound.clone();
    damaged[usize::try_from(ends[3]).unwrap() + 20] ^= 4;
    damaged.truncate(usize::try_from(ends[8]).unwrap() - 5);
    fs::write(&path, &damaged).unwrap();
    assert!(Store::open(options.clone()).is_err());
    let losses = crate::repair(&options, false).unwrap();
    let places: Vec<_> =
        losses.iter().map(|loss| (loss.byte, loss.bytes, loss.after_position, loss.before_position)).collect();
    // The fifth and the ninth event. The mark shows that the ninth was acknowledged.
    assert_eq!(places, [(ends[3], ends[4] - ends[3], Some(4), Some(6)), (ends[7], ends[8] - ends[7], Some(8), None),]);
    assert_eq!(fs::read(&path).unwrap(), damaged, "nothing was changed");
    assert!(Store::open(options.clone()).is_err());

    assert_eq!(crate::repair(&options, true).unwrap(), losses);
    assert_eq!(crate::repair(&options, false).unwrap(), [], "sound now");
    assert_eq!(fs::read_dir(copy.path().join("damaged")).unwrap().count(), 1, "a copy is kept");
    let store = Store::open(options).unwrap();
    assert_eq!(missing(&store, &[1, 2, 3, 4, 6, 7, 8]), []);
    assert_eq!(missing(&store, &[5, 9]).len(), 2);
    append(&store, 9).unwrap();
    store.close();
}
