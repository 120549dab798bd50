//! The journal's bytes: torn tails, damage, unfinished and missing segments, a failing disk.

use std::fs;
use std::path::PathBuf;

use crate::changes::{Change, Frame};
use crate::journal::file::{list_segments, mark_path, segment_path};
use crate::journal::{JournalError, Location};
use crate::{NewEvent, Recipients, StoreError};
use handoff_model::actor::Actor;
use handoff_model::time::Timestamp;

use super::support::{Bench, event, rooftop, run, scope};

fn segment(store: &Bench, number: u64) -> PathBuf {
    segment_path(&store.options.dir.join("journal"), number)
}

fn last_segment(store: &Bench) -> u64 {
    *list_segments(&store.options.dir.join("journal")).unwrap().last().unwrap()
}

/// Three acknowledged events in one segment, without a checkpoint; the offsets at which their frames end.
fn three() -> (Bench, Vec<u64>) {
    let store = Bench::new(|_| ());
    store.install("leads", &["lead"]);
    let ends = ["a", "b", "c"].map(|id| {
        store.add(id, None);
        fs::metadata(segment(&store, 1)).unwrap().len()
    });
    (store, ends.to_vec())
}

/// The log of a copy with a changed journal and without its mark; also without an index, so that every frame is read.
fn opened(store: &Bench, change: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<&'static str>, StoreError> {
    opened_with(store, false, change)
}

fn opened_with(
    store: &Bench,
    has_mark: bool,
    change: impl FnOnce(&mut Vec<u8>),
) -> Result<Vec<&'static str>, StoreError> {
    let copy = tempfile::tempdir().unwrap();
    super::support::copy_folder(&store.dir.path().join("journal"), &copy.path().join("journal"));
    if !has_mark {
        fs::remove_file(mark_path(&copy.path().join("journal"))).unwrap();
    }
    let mut options = store.options.clone();
    options.dir = copy.path().to_path_buf();
    let path = segment_path(&copy.path().join("journal"), 1);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let store = crate::Store::open(options)?;
    let found =
        ["a", "b", "c", "d"].into_iter().filter(|id| store.position_of(&scope(), "/outside", id).unwrap().is_some());
    let found = found.collect();
    run(store.append(
        vec![NewEvent { event: event("d", None), to: Recipients::Rooftop(rooftop()) }],
        Timestamp(1),
        None,
    ))
    .unwrap();
    store.close();
    Ok(found)
}

#[test]
fn a_torn_tail_is_cut_at_any_byte_and_acknowledged_frames_remain() {
    let (store, ends) = three();
    let whole = usize::try_from(ends[2]).unwrap();
    let second = usize::try_from(ends[1]).unwrap();
    for cut in (second..=whole).step_by(7).chain([second + 1, whole - 1]) {
        let found = opened(&store, |bytes| bytes.truncate(cut)).unwrap();
        let expected: &[&str] = if cut == whole { &["a", "b", "c"] } else { &["a", "b"] };
        assert_eq!(found, expected, "cut at {cut}");
        let mut torn = opened(&store, |bytes| bytes[cut..].fill(0)).unwrap();
        torn.truncate(2);
        assert_eq!(torn, ["a", "b"], "zeroes from {cut} on");
    }
}

#[test]
fn a_changed_byte_in_an_acknowledged_frame_stops_the_start_with_offset() {
    let (store, ends) = three();
    let (first, second) = (usize::try_from(ends[0]).unwrap(), usize::try_from(ends[1]).unwrap());
    for place in (first..second).step_by(5).chain([first, second - 1]) {
        let refused = opened(&store, |bytes| bytes[place] ^= 0x10);
        let Err(StoreError::Journal(JournalError::Damaged { path, offset, .. })) = refused else {
            panic!("byte {place}: {refused:?}")
        };
        assert!(path.ends_with("journal/0000000000000001.journal"), "{path:?}");
        assert_eq!(offset, ends[0], "the frame of byte {place}");
    }
}

#[test]
fn the_mark_tells_damage_in_the_last_acknowledged_batch_from_a_torn_tail() {
    let (store, ends) = three();
    let (second, whole) = (usize::try_from(ends[1]).unwrap(), usize::try_from(ends[2]).unwrap());
    let refused = |change: &dyn Fn(&mut Vec<u8>)| match opened_with(&store, true, change) {
        Err(StoreError::Journal(JournalError::Damaged { path, offset, .. })) => {
            assert!(path.ends_with("journal/0000000000000001.journal"), "{path:?}");
            offset
        }
        other => panic!("{other:?}"),
    };
    for place in (second..whole).step_by(3).chain([whole - 1]) {
        assert_eq!(refused(&|bytes| bytes[place] ^= 1), ends[1], "byte {place} changed");
        assert_eq!(refused(&|bytes| bytes.truncate(place)), ends[1], "cut at {place}");
    }
    let torn = opened_with(&store, true, |bytes| bytes.extend_from_slice(&[1; 70])).unwrap();
    assert_eq!(torn, ["a", "b", "c"], "what was never acknowledged goes");
}

#[test]
fn a_journal_without_any_segment_is_not_taken_for_a_new_one() {
    let (mut store, _) = three();
    store.close();
    fs::remove_dir_all(store.options.dir.join("index")).unwrap();
    fs::remove_file(segment(&store, 1)).unwrap();
    let refused = store.reopen();
    assert!(matches!(refused, Err(StoreError::Journal(JournalError::Damaged { .. }))), "{refused:?}");
}

#[test]
fn an_unfinished_last_segment_is_removed_and_a_missing_one_is_reported() {
    let mut store = Bench::new(|options| options.segment_bytes = 50);
    store.install("leads", &["lead"]);
    store.add("a", None);
    store.add("b", None);
    let next = segment(&store, last_segment(&store) + 1);
    store.close();
    for torn in [&b""[..], b"HND", &[0; 16]] {
        fs::write(&next, torn).unwrap();
        store.reopen().unwrap();
        assert!(!next.exists());
        store.close();
    }
    store.reopen().unwrap();
    store.add("c", None);
    assert!(next.exists(), "the number is used again");
    store.close();

    fs::remove_dir_all(store.options.dir.join("index")).unwrap();
    let middle = segment(&store, 2);
    let aside = store.options.dir.join("aside");
    for lost in [segment(&store, 1), middle] {
        fs::rename(&lost, &aside).unwrap();
        let refused = store.reopen().map(|()| "opened");
        assert!(
            matches!(&refused, Err(StoreError::Journal(JournalError::Damaged { path, .. })) if *path == lost),
            "{refused:?}"
        );
        fs::rename(&aside, &lost).unwrap();
    }
    store.reopen().unwrap();
    assert!(store.position_of(&scope(), "/outside", "a").unwrap().is_some());
}

#[test]
fn a_journal_that_ends_before_the_index_does_is_refused() {
    let (mut store, ends) = three();
    store.close();
    let path = segment(&store, 1);
    fs::File::options().write(true).open(&path).unwrap().set_len(ends[1]).unwrap();
    let refused = store.reopen();
    assert!(
        matches!(refused, Err(StoreError::Journal(JournalError::Damaged { offset, .. })) if offset == ends[1]),
        "{refused:?}"
    );
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_and_nothing_is_lost() {
    let mut store = Bench::new(|options| options.segment_bytes = 3_000);
    store.install("leads", &["lead"]);
    let acknowledged = store.add("a", None);
    // The next segment's name is in use: the rotation after the next full batch fails.
    let taken = segment(&store, last_segment(&store) + 1);
    fs::create_dir(&taken).unwrap();
    let (mut failed, mut reasons) = (0, std::collections::BTreeSet::new());
    for number in 0..20 {
        let mut event = event(&format!("event-{number}"), None);
        event.data = vec![1; 1_000];
        let new = vec![NewEvent { event, to: Recipients::Rooftop(rooftop()) }];
        match run(store.append(new, Timestamp(1), None)) {
            Ok(_) => assert_eq!(failed, 0, "acknowledged after a failure"),
            Err(StoreError::Stopped(reason)) => {
                failed += 1;
                reasons.insert(reason);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failed > 10);
    assert!(reasons.iter().all(|reason| reason.contains("journal create")), "each says what failed: {reasons:?}");
    assert!(run(store.checkpoint()).is_err());
    fs::remove_dir(&taken).unwrap();
    store.close();
    store.reopen().unwrap();
    assert!(store.event(acknowledged).unwrap().is_some());
    store.add("again", None);
}

#[test]
fn a_second_opener_is_refused() {
    let store = Bench::new(|_| ());
    let second = crate::Store::open(store.options.clone());
    assert!(matches!(second.map(|_| ()), Err(StoreError::InUse(_))));
}

#[test]
fn a_frame_with_bytes_left_over_was_written_by_another_version() {
    let discarded =
        Change::DeadLettersDiscarded { letters: Vec::new(), by: Actor::user("ann"), reason: "old".to_owned() };
    let mut payload = Frame { changes: vec![discarded] }.encode();
    let at = Location { segment: 1, offset: 16 };
    let frame = Frame::decode(&payload, at).unwrap();
    assert!(matches!(&frame.changes[..], [Change::DeadLettersDiscarded { by, .. }] if *by == Actor::user("ann")));
    payload.push(u8::MAX);
    assert!(matches!(Frame::decode(&payload, at), Err(StoreError::BadFrame { segment: 1, offset: 16, .. })));
}

#[test]
fn a_frame_of_zeros_changes_nothing_whatever_its_length() {
    let at = Location { segment: 1, offset: 16 };
    assert_eq!(Frame { changes: Vec::new() }.encode(), [0]);
    for length in [1, 2, 1 << 20] {
        assert!(Frame::decode(&vec![0; length], at).unwrap().changes.is_empty());
    }
    assert!(Frame::decode(&[0, 0, 1], at).is_err());
    assert!(Frame::decode(&[], at).is_err());
}
