//! Retention: which segments go, and how what is still needed is carried forward.

use std::sync::Arc;

use crate::MemoryJournal;
use handoff_model::time::{Clock, Timestamp};
use parking_lot::Mutex;

use super::support::{Bench, event, run};

/// A clock that a test sets.
struct Now(Mutex<u64>);

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.lock())
    }
}

#[test]
fn segments_go_by_age_only_once_they_are_older_than_the_limit() {
    let clock = Arc::new(Now(Mutex::new(0)));
    let store = Bench::over(Arc::new(MemoryJournal::new(2_000).with_clock(clock.clone())), |_| ());
    let segments = || store.shared.journal.segments().unwrap();
    for hour in 1..=3 {
        *clock.0.lock() = hour * 3_600_000;
        let before = segments().len();
        for number in 0.. {
            store.add(&format!("{hour}-{number}"), None);
            if segments().len() > before {
                break;
            }
        }
    }
    let closed: Vec<Timestamp> = segments().iter().filter_map(|segment| segment.closed_at).collect();
    assert_eq!(closed, [1, 2, 3].map(|hour| Timestamp(hour * 3_600_000)));
    for (older_than, dropped) in [(3_600_000, 0), (3_600_001, 1), (7_200_000, 0), (u64::MAX, 2)] {
        let done = run(store.retain(Timestamp(older_than), u64::MAX)).unwrap();
        assert_eq!(done.segments, dropped, "older than {older_than}");
    }
    assert!(segments().iter().all(|segment| segment.closed_at.is_none()), "the newest segment always stays");
}

#[test]
fn a_segment_whose_events_all_wait_is_carried_in_frames_of_bounded_size() {
    let store = Bench::over(Arc::new(MemoryJournal::new(8 << 20)), |options| options.inline_body_bytes = 4 << 20);
    let id = store.install("leads", &["lead"]).id;
    for number in 0..3 {
        let mut event = event(&format!("event-{number}"), None);
        event.data = vec![1; 3 << 20];
        store.append_one(event);
    }
    let before = store.journal_volume();
    let done = run(store.retain(Timestamp(0), 1)).unwrap();
    let written = store.journal_volume();
    assert_eq!((done.segments, done.carried, written.syncs - before.syncs), (1, 3, 2), "two events, then one");
    assert_eq!(store.ready_positions(id).len(), 3);
}
