//! The journal: records and whole segments from a disk with arbitrary content. What is read was checked, is the same
//! after writing it again, takes proportional memory, and recovery can continue after it.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use handoff_store::fuzzing;
use handoff_store::fuzzing::{Found, JournalError};
use tempfile::TempDir;

use crate::{memory, text};

/// A record's payload.
pub fn record(data: &[u8]) {
    // Lists reserve memory for what their length promises, each at most 1 MiB, a handful inside each other.
    let Some(replayed) = memory::within((8 << 20) + 512 * data.len(), || fuzzing::frame(data)) else { return };
    let again = fuzzing::frame(&replayed.encoded).expect("what was written can be read");
    assert_eq!(again.encoded, replayed.encoded, "written twice");
    assert_eq!((again.index_bytes, again.index_writes), (replayed.index_bytes, replayed.index_writes));
    // Numbers may have a longer encoding than necessary, but are never lost.
    assert!(replayed.encoded.len() <= data.len() + 16, "{} bytes from {}", replayed.encoded.len(), data.len());
    assert!(replayed.index_bytes <= 4096 + 512 * data.len(), "{} bytes of index", replayed.index_bytes);
}

/// One or two segments: what follows `0xff "next"` is the second.
pub fn segments(data: &[u8]) {
    const BETWEEN: &[u8] = b"\xffnext";
    thread_local! { static FOLDER: OnceCell<TempDir> = const { OnceCell::new() } }
    FOLDER.with(|folder| {
        let dir = folder.get_or_init(folder_in_memory).path();
        for entry in fs::read_dir(dir).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
        match data.windows(BETWEEN.len()).position(|bytes| bytes == BETWEEN) {
            Some(at) => {
                write(dir, 1, &data[..at]);
                write(dir, 2, &data[at + BETWEEN.len()..]);
            }
            None => write(dir, 1, data),
        }
        check(dir, data.len());
    });
}

fn check(dir: &Path, bytes: usize) {
    let bound = (1 << 20) + 16 * bytes;
    let (found, damage) = memory::within(bound, || fuzzing::scan(dir, 1)).expect("the file is there");
    sound(&found, dir);
    if let Some((offset, problem)) = damage {
        assert_eq!(found.end.map(|end| end.1), Some(offset));
        assert!(problem.len() < 200);
    }
    match memory::within(bound, || fuzzing::replay(dir)) {
        Ok(replayed) => {
            sound(&replayed, dir);
            goes_on(dir, &replayed);
        }
        Err(error @ (JournalError::Damaged { .. } | JournalError::Io { .. })) => {
            text::check(&error.to_string(), 1024);
            assert!(error.to_string().contains(".journal"), "names the file: {error}");
        }
        Err(other) => panic!("{other}"),
    }
}

/// Each frame of a scan is also found by its location, and is before the end.
fn sound(found: &Found, dir: &Path) {
    let mut last = (0, 0);
    for (segment, offset, payload) in &found.frames {
        assert!((*segment, *offset) > last && !payload.is_empty());
        last = (*segment, *offset);
        assert_eq!(&fuzzing::read_at(dir, *segment, *offset).expect("sound"), payload);
    }
    assert!(found.frames.is_empty() || found.end.is_some_and(|end| end > last));
}

/// What recovery accepted stays: the writer cuts off the rest, appends, and everything is read again.
fn goes_on(dir: &Path, replayed: &Found) {
    fuzzing::append(dir, replayed.end, &[b"one", b"two"]).expect("the writer goes on");
    let again = fuzzing::replay(dir).expect("sound");
    let (kept, added) = again.frames.split_at(replayed.frames.len());
    assert_eq!(kept, replayed.frames);
    let added: Vec<&[u8]> = added.iter().map(|(_, _, payload)| payload.as_slice()).collect();
    assert_eq!(added, [b"one", b"two"]);
}

fn write(dir: &Path, number: u64, bytes: &[u8]) {
    fs::write(fuzzing::path(dir, number), bytes).expect("written");
}

/// In memory where the system has such a folder: each run syncs, and a disk would limit the speed.
fn folder_in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}
