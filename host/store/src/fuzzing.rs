//! The store's byte readers, for the fuzz targets of another package. Makes no decisions of its own.

use std::path::Path;
use std::sync::Arc;

use handoff_model::time::{SystemClock, Timestamp};

use super::apply::{Sink, apply};
use super::changes::{Change, Frame};
use super::journal::file::{
    FileWriter, FrameReader, Frames, SegmentNumber, scan_segment, segment_header, segment_path,
};
use super::journal::{Location, SEGMENT_HEADER_BYTES, Writer as _};
use super::wakeups::Pending;
use super::{counts, keys};

pub use super::journal::JournalError;

/// Valid frames with their locations, and the location after them.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Segment, offset and payload of each frame.
    pub frames: Vec<(u64, u32, Vec<u8>)>,
    /// Segment and offset after the last frame; none in an empty folder.
    pub end: Option<(u64, u32)>,
}

/// The file of a segment.
#[must_use]
pub fn path(dir: &Path, number: SegmentNumber) -> std::path::PathBuf {
    segment_path(dir, number)
}

/// The header of a segment.
#[must_use]
pub fn header(number: SegmentNumber) -> Vec<u8> {
    segment_header(number, Timestamp(1)).to_vec()
}

/// Reads all segments as recovery does.
pub fn replay(dir: &Path) -> Result<Found, JournalError> {
    let mut frames = Vec::new();
    let end = Frames::replay(dir, None, |at, payload| {
        frames.push((at.segment, at.offset, payload.to_vec()));
        Ok::<(), JournalError>(())
    })?;
    Ok(Found { frames, end: end.map(|end| (end.segment, end.offset)) })
}

/// Reads one segment as retention does: valid frames, and the offset and problem of the data after them, if any.
pub fn scan(dir: &Path, number: SegmentNumber) -> Result<(Found, Option<(u32, String)>), JournalError> {
    let mut frames = Vec::new();
    let (end, damage) = scan_segment(dir, number, 0, |at, payload| {
        frames.push((at.segment, at.offset, payload.to_vec()));
        Ok::<(), JournalError>(())
    })?;
    Ok((Found { frames, end: Some((number, end)) }, damage.map(|damage| (damage.offset, damage.problem.to_owned()))))
}

/// Reads the frame at a location.
pub fn read_at(dir: &Path, segment: u64, offset: u32) -> Result<Vec<u8>, JournalError> {
    FrameReader::new(dir.to_path_buf()).read(Location { segment, offset })
}

/// Writes frames at the journal's end, with a sync after each.
pub fn append(dir: &Path, end: Option<(u64, u32)>, payloads: &[&[u8]]) -> Result<(), JournalError> {
    let end = end.map(|(segment, offset)| Location { segment, offset });
    let mut writer = FileWriter::open(dir, end, u32::MAX, Arc::new(SystemClock))?;
    for payload in payloads {
        writer.push(payload)?;
        writer.submit()?;
        writer.durable(true)?;
    }
    Ok(())
}

/// A frame that was decoded from bytes and processed as recovery and the committer do.
#[derive(Debug)]
pub struct Replayed {
    /// The frame, encoded again.
    pub encoded: Vec<u8>,
    /// Bytes of keys and values that the frame adds to the index.
    pub index_bytes: usize,
    /// Keys that the frame writes or deletes.
    pub index_writes: usize,
}

/// Decodes a frame and applies it to an index that only counts; none if the bytes are not a frame.
#[must_use]
pub fn frame(payload: &[u8]) -> Option<Replayed> {
    let frame = Frame::decode(payload, PLACE).ok()?;
    let mut writes = Writes::default();
    apply(&frame, PLACE, &mut writes);
    counts::Counts::default().add(&frame);
    Pending::default().note(&frame);
    let _highest = frame.changes.iter().map(Change::highest_position).max();
    Some(Replayed { encoded: frame.encode(), index_bytes: writes.bytes, index_writes: writes.count })
}

/// An arbitrary location for decoded frames.
const PLACE: Location = Location { segment: 1, offset: SEGMENT_HEADER_BYTES };

#[derive(Default)]
struct Writes {
    count: usize,
    bytes: usize,
}

impl Sink for Writes {
    fn insert(&mut self, key: keys::Key, value: Vec<u8>) {
        self.put(key, value);
    }

    fn put(&mut self, key: keys::Key, value: Vec<u8>) {
        self.count += 1;
        self.bytes += key.len() + value.len();
    }

    fn delete(&mut self, key: keys::Key) {
        self.count += 1;
        self.bytes += key.len();
    }
}
