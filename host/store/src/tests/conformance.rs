//! Requirements for every journal, checked on each implementation: segment files, memory, and a journal that is slow
//! and loses answers. Tests of a store over each journal are in `conformance/stores.rs`.

mod stores;
mod unreliable;

use std::io::Read as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::journal::{BlobKind, FileJournal, Journal, JournalError, Location, MemoryJournal, Writer};
use handoff_model::time::{Clock, Timestamp};

use unreliable::Unreliable;

/// So small that some batches fill a segment.
const SEGMENT_BYTES: u32 = 200;

/// A clock that advances by a second with each reading.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// A journal that can be reopened, as a later process would.
struct Subject {
    open: Box<dyn Fn() -> Arc<dyn Journal>>,
    /// Whether another process can write the same journal: then the later writer wins.
    is_shared: bool,
    _dir: Option<TempDir>,
}

fn file() -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock) = (dir.path().to_path_buf(), Arc::new(Ticking::default()));
    let open = move || -> Arc<dyn Journal> {
        Arc::new(FileJournal::open(&path, SEGMENT_BYTES).unwrap().with_clock(clock.clone()))
    };
    Subject { open: Box::new(open), is_shared: false, _dir: Some(dir) }
}

fn memory() -> Subject {
    let journal = MemoryJournal::new(SEGMENT_BYTES).with_clock(Arc::new(Ticking::default()));
    Subject { open: Box::new(move || Arc::new(journal.clone())), is_shared: true, _dir: None }
}

fn unreliable() -> Subject {
    let journal = MemoryJournal::new(SEGMENT_BYTES).with_clock(Arc::new(Ticking::default()));
    let open = move || -> Arc<dyn Journal> { Arc::new(Unreliable::new(journal.clone())) };
    Subject { open: Box::new(open), is_shared: true, _dir: None }
}

fn writer(journal: &dyn Journal) -> Box<dyn Writer> {
    let tail = journal.replay(None, &mut |_, _| ControlFlow::Continue(())).unwrap();
    journal.writer(tail).unwrap()
}

/// Writes a batch durably, with as many attempts as necessary. Returns the locations of its frames.
fn commit(writer: &mut dyn Writer, frames: &[&[u8]]) -> Vec<Location> {
    let places = frames.iter().map(|frame| writer.push(frame).unwrap()).collect();
    loop {
        match writer.submit() {
            Ok(()) => break,
            Err(JournalError::Blocked(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    writer.durable(true).unwrap();
    places
}

fn replayed(journal: &dyn Journal, from: Option<Location>) -> Vec<(Location, Vec<u8>)> {
    let mut found = Vec::new();
    let visit = &mut |at, payload: &[u8]| {
        found.push((at, payload.to_vec()));
        ControlFlow::Continue(())
    };
    journal.replay(from, visit).unwrap();
    found
}

/// Twelve frames in batches of three, which fill several segments.
fn filled(journal: &dyn Journal) -> Vec<(Location, Vec<u8>)> {
    let mut writer = writer(journal);
    let mut all = Vec::new();
    for batch in 0..4_u8 {
        let frames: Vec<Vec<u8>> = (0..3).map(|frame| vec![batch * 3 + frame + 1; 30]).collect();
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let places = commit(writer.as_mut(), &frames);
        all.extend(places.into_iter().zip(frames.iter().map(|frame| frame.to_vec())));
    }
    all
}

fn a_frame_is_read_where_it_was_pushed(subject: &Subject) {
    let journal = (subject.open)();
    let all = filled(journal.as_ref());
    assert_eq!(all[0].0, Location::START);
    for (at, payload) in &all {
        assert_eq!(journal.read(*at).unwrap(), *payload);
    }
    let nowhere = Location { segment: 99, offset: Location::START.offset };
    assert!(journal.read(nowhere).is_err());
    assert_eq!(replayed((subject.open)().as_ref(), None), all, "also by a later process");
}

fn a_batch_is_durable_as_a_whole_and_after_all_before_it(subject: &Subject) {
    let journal = (subject.open)();
    let mut writer = writer(journal.as_ref());
    let start = writer.durable(false).unwrap();
    assert_eq!(start, Location::START);
    let first = commit(writer.as_mut(), &[b"one", b"two"]);
    assert_eq!(first, [start, start.after(b"one")]);
    let end = writer.durable(false).unwrap();
    assert_eq!(end, first[1].after(b"two"));
    assert_eq!(writer.push(b"three").unwrap(), end);
    assert_eq!(writer.durable(false).unwrap(), end, "pushed is not durable");
    drop(writer);
    let later = (subject.open)();
    let kept = [(first[0], b"one".to_vec()), (first[1], b"two".to_vec())];
    assert_eq!(replayed(later.as_ref(), None), kept, "what was not submitted is gone");
    let mut writer = self::writer(later.as_ref());
    assert_eq!(commit(writer.as_mut(), &[b"four"]), [end], "the next one goes on there");
}

fn a_replay_visits_what_follows_a_location_until_it_is_told_to_stop(subject: &Subject) {
    let journal = (subject.open)();
    let all = filled(journal.as_ref());
    for (index, (at, _)) in all.iter().enumerate() {
        assert_eq!(replayed(journal.as_ref(), Some(*at)), all[index..]);
    }
    let mut visits = 0;
    let visit = &mut |_, _: &[u8]| {
        visits += 1;
        if visits == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    journal.replay(None, visit).unwrap();
    assert_eq!(visits, 2);
}

fn a_scan_visits_a_range_and_says_where_to_go_on(subject: &Subject) {
    let journal = (subject.open)();
    let all = filled(journal.as_ref());
    for (from, to) in [(0, 12), (0, 1), (3, 9), (4, 4), (5, 11)] {
        let start = all[from].0;
        let end = all.get(to).map_or_else(|| all[11].0.after(&all[11].1), |(at, _)| *at);
        let mut found = Vec::new();
        let next = journal.scan(start..end, &mut |at, payload: &[u8]| {
            found.push((at, payload.to_vec()));
            ControlFlow::Continue(())
        });
        assert_eq!(found, all[from..to], "{from} to {to}");
        let last = found.last().map_or(start, |(at, payload)| at.after(payload));
        assert_eq!(next.unwrap(), last, "{from} to {to}");
    }
    let stopped = journal.scan(all[2].0..all[9].0, &mut |_, _: &[u8]| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), all[2].0.after(&all[2].1));
}

fn segments_say_how_large_they_are_and_when_they_were_closed(subject: &Subject) {
    let journal = (subject.open)();
    let all = filled(journal.as_ref());
    let segments = journal.segments().unwrap();
    let last = all[11].0.segment;
    assert!(last >= 2, "several");
    let closed: Vec<_> = segments.iter().filter(|segment| segment.closed_at.is_some()).collect();
    assert_eq!(segments.len(), closed.len() + 1);
    assert!(segments.last().is_some_and(|newest| newest.closed_at.is_none()));
    assert!(closed.windows(2).all(|two| two[0].number < two[1].number && two[0].closed_at < two[1].closed_at));
    for segment in &closed {
        let (at, payload) = all.iter().rfind(|(at, _)| at.segment == segment.number).unwrap();
        assert_eq!(segment.bytes, u64::from(at.after(payload).offset));
    }
}

fn retired_segments_are_gone_and_the_export_stands_for_them(subject: &Subject) {
    let journal = (subject.open)();
    let all = filled(journal.as_ref());
    assert!(journal.export().unwrap().is_none());
    let last = all[11].0;
    let end = last.after(&all[11].1);
    for content in ["first", "second"] {
        journal.retire(end, last.segment, &mut |out| out.write_all(content.as_bytes())).unwrap();
        let mut text = String::new();
        (subject.open)().export().unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, content, "the newest one");
    }
    assert_eq!(journal.segments().unwrap()[0].number, last.segment);
    assert!(journal.read(all[0].0).is_err());
    let kept: Vec<_> = all.iter().filter(|(at, _)| at.segment == last.segment).cloned().collect();
    let mut found = Vec::new();
    let visit = &mut |at, payload: &[u8]| {
        found.push((at, payload.to_vec()));
        ControlFlow::Continue(())
    };
    journal.scan(Location::default()..end, visit).unwrap();
    assert_eq!(found, kept);
    assert_eq!(replayed(journal.as_ref(), Some(kept[0].0)), kept);
    assert!(journal.replay(None, &mut |_, _| ControlFlow::Continue(())).is_err(), "it is not whole any more");
    // A failed export keeps the previous export, and every segment.
    let failed = journal.retire(end, last.segment + 1, &mut |_| Err(std::io::Error::other("no")));
    assert!(failed.is_err());
    assert_eq!(replayed(journal.as_ref(), Some(kept[0].0)), kept);
    let mut text = String::new();
    journal.export().unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "second");
}

fn blobs_are_kept_by_kind_and_digest(subject: &Subject) {
    let journal = (subject.open)();
    let (blobs, digest) = (journal.blobs(), [7; 32]);
    assert_eq!(blobs.get(BlobKind::Body, &digest).unwrap(), None);
    assert_eq!(blobs.size(BlobKind::Body, &digest), None);
    for _ in 0..2 {
        blobs.put(BlobKind::Body, &digest, b"a body").unwrap();
    }
    blobs.put(BlobKind::Package, &[8; 32], b"a package").unwrap();
    let later = (subject.open)();
    let blobs = later.blobs();
    assert_eq!(blobs.get(BlobKind::Body, &digest).unwrap(), Some(b"a body".to_vec()));
    assert_eq!(blobs.size(BlobKind::Package, &[8; 32]), Some(9));
    assert_eq!(blobs.get(BlobKind::Package, &digest).unwrap(), None, "another kind");
    assert!(blobs.older_than(BlobKind::Body, Duration::from_secs(60)).unwrap().is_empty());
    blobs.remove(BlobKind::Body, &digest).unwrap();
    assert_eq!(blobs.size(BlobKind::Body, &digest), None);
    assert_eq!(blobs.size(BlobKind::Package, &[8; 32]), Some(9));
}

fn a_frame_that_is_too_large_is_refused_and_nothing_else(subject: &Subject) {
    let journal = (subject.open)();
    let mut writer = writer(journal.as_ref());
    let at = writer.push(b"before").unwrap();
    let refused = writer.push(&vec![1; (64 << 20) + 1]);
    assert!(matches!(refused, Err(JournalError::TooLarge { .. })));
    assert_eq!(commit(writer.as_mut(), &[b"after"]), [at.after(b"before")]);
    assert_eq!(replayed(journal.as_ref(), None).len(), 2);
}

fn a_writer_is_refused_once_there_is_a_later_one(subject: &Subject) {
    let journal = (subject.open)();
    let mut earlier = writer(journal.as_ref());
    commit(earlier.as_mut(), &[b"one"]);
    let mut later = writer((subject.open)().as_ref());
    if !subject.is_shared {
        return; // The lock of the data folder prevents a second process.
    }
    earlier.push(b"two").unwrap();
    assert!(matches!(earlier.submit(), Err(JournalError::NotLeader(_))));
    commit(later.as_mut(), &[b"three"]);
    let found: Vec<_> = replayed(journal.as_ref(), None).into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(found, [b"one".to_vec(), b"three".to_vec()]);
}

/// Runs each check on each implementation.
macro_rules! conformance {
    ($($implementation:ident),+ => $checks:tt) => { $(conformance!(@one $implementation $checks);)+ };
    (@one $implementation:ident [$($check:ident),+ $(,)?]) => {
        mod $implementation {
            $(
                #[test]
                fn $check() {
                    super::$check(&super::super::$implementation());
                }
            )+
        }
    };
}

mod on {
    use super::{
        a_batch_is_durable_as_a_whole_and_after_all_before_it, a_frame_is_read_where_it_was_pushed,
        a_frame_that_is_too_large_is_refused_and_nothing_else,
        a_replay_visits_what_follows_a_location_until_it_is_told_to_stop,
        a_scan_visits_a_range_and_says_where_to_go_on, a_writer_is_refused_once_there_is_a_later_one,
        blobs_are_kept_by_kind_and_digest, retired_segments_are_gone_and_the_export_stands_for_them,
        segments_say_how_large_they_are_and_when_they_were_closed,
    };

    conformance!(file, memory, unreliable => [
        a_frame_is_read_where_it_was_pushed,
        a_batch_is_durable_as_a_whole_and_after_all_before_it,
        a_replay_visits_what_follows_a_location_until_it_is_told_to_stop,
        a_scan_visits_a_range_and_says_where_to_go_on,
        segments_say_how_large_they_are_and_when_they_were_closed,
        retired_segments_are_gone_and_the_export_stands_for_them,
        blobs_are_kept_by_kind_and_digest,
        a_frame_that_is_too_large_is_refused_and_nothing_else,
        a_writer_is_refused_once_there_is_a_later_one,
    ]);
}

#[test]
fn the_same_pushes_give_the_same_locations_in_every_journal() {
    let [file, memory, unreliable] = [file(), memory(), unreliable()].map(|subject| filled((subject.open)().as_ref()));
    assert_eq!(file, memory);
    assert_eq!(file, unreliable);
}
