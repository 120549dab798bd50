//! A journal in memory: durable at once, and lost with the process. For tests only. Keeps the layout of segments, so
//! that locations are the same as in any other journal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use handoff_model::time::{Clock, SystemClock, Timestamp};

use super::{
    AddFile, BlobDigest, BlobKind, Blobs, FrameMeaning, Journal, JournalError, Location, Loss, Segment, Tail, Visit,
    WriteExport, Writer, frame,
};

/// A journal that several stores can open in succession: clones share it.
#[derive(Clone)]
pub struct MemoryJournal {
    kept: Arc<Mutex<Kept>>,
    segment_bytes: u32,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Kept {
    segments: BTreeMap<u64, KeptSegment>,
    export: Option<Vec<u8>>,
    blobs: BTreeMap<(BlobKind, BlobDigest), (Vec<u8>, Instant)>,
    /// The number of the current writer; earlier ones are refused.
    writer: u64,
}

#[derive(Default)]
struct KeptSegment {
    frames: BTreeMap<u32, Arc<[u8]>>,
    closed_at: Option<Timestamp>,
}

impl KeptSegment {
    fn end(&self, number: u64) -> Location {
        let last = self.frames.last_key_value();
        let after =
            |(offset, payload): (&u32, &Arc<[u8]>)| Location { segment: number, offset: *offset }.after(payload);
        last.map_or(Location::start_of(number), after)
    }
}

impl MemoryJournal {
    /// Creates an empty journal. A segment is closed at `segment_bytes`.
    #[must_use]
    pub fn new(segment_bytes: u32) -> Self {
        Self { kept: Arc::default(), segment_bytes, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock for the closing times of segments.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Copies the frames of a range, because a visitor may read the journal itself.
    fn frames(&self, range: &Range<Location>) -> Vec<(Location, Arc<[u8]>)> {
        let kept = self.kept.lock();
        let segments = kept.segments.range(range.start.segment..);
        let frames = segments.flat_map(|(number, segment)| {
            segment
                .frames
                .iter()
                .map(|(offset, payload)| (Location { segment: *number, offset: *offset }, payload.clone()))
        });
        frames.filter(|(at, _)| range.contains(at)).collect()
    }
}

impl Journal for MemoryJournal {
    fn replay(&self, from: Option<Location>, visit: &mut Visit<'_>) -> Result<Tail, JournalError> {
        let start = from.unwrap_or(Location::START);
        let (first, end) = {
            let kept = self.kept.lock();
            (
                kept.segments.keys().next().copied(),
                kept.segments.last_key_value().map(|(number, last)| last.end(*number)),
            )
        };
        // The content of dropped segments is only in an index.
        if first.map_or(from.is_some(), |first| first > start.segment) {
            return Err(JournalError::NoFrame { segment: start.segment, offset: start.offset });
        }
        let after_all = Location { segment: u64::MAX, offset: u32::MAX };
        for (at, payload) in self.frames(&(start..after_all)) {
            if visit(at, &payload).is_break() {
                break;
            }
        }
        Ok(Tail { end })
    }

    fn writer(&self, tail: Tail) -> Result<Box<dyn Writer>, JournalError> {
        let mut kept = self.kept.lock();
        let end = tail.end.unwrap_or(Location::START);
        kept.segments.entry(end.segment).or_default();
        kept.writer += 1;
        let number = kept.writer;
        Ok(Box::new(MemoryWriter { journal: self.clone(), number, batch: Vec::new(), end, durable: end }))
    }

    fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        let kept = self.kept.lock();
        let payload = kept.segments.get(&at.segment).and_then(|segment| segment.frames.get(&at.offset));
        payload.map(|payload| payload.to_vec()).ok_or(JournalError::NoFrame { segment: at.segment, offset: at.offset })
    }

    fn scan(&self, range: Range<Location>, visit: &mut Visit<'_>) -> Result<Location, JournalError> {
        let mut next = range.start;
        for (at, payload) in self.frames(&range) {
            next = at.after(&payload);
            if visit(at, &payload).is_break() {
                break;
            }
        }
        Ok(next)
    }

    fn segments(&self) -> Result<Vec<Segment>, JournalError> {
        let kept = self.kept.lock();
        let segment = |(number, segment): (&u64, &KeptSegment)| Segment {
            number: *number,
            bytes: u64::from(segment.end(*number).offset),
            closed_at: segment.closed_at,
        };
        Ok(kept.segments.iter().map(segment).collect())
    }

    fn retire(&self, _stands_for: Location, before: u64, export: &mut WriteExport<'_>) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        export(&mut bytes).map_err(|error| JournalError::Stopped(error.to_string()))?;
        let mut kept = self.kept.lock();
        kept.export = Some(bytes);
        kept.segments.retain(|number, _| *number >= before);
        Ok(())
    }

    fn export(&self) -> Result<Option<Box<dyn Read + Send>>, JournalError> {
        let export = self.kept.lock().export.clone();
        Ok(export.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn blobs(&self) -> &dyn Blobs {
        self
    }

    fn back_up(&self, _end: Location, _add: &mut AddFile<'_>) -> Result<(), JournalError> {
        Err(JournalError::NotInFiles)
    }

    fn repair(&self, _accept: bool, _meaning: &FrameMeaning<'_>) -> Result<Vec<Loss>, JournalError> {
        Ok(Vec::new())
    }
}

impl Blobs for MemoryJournal {
    fn put(&self, kind: BlobKind, digest: &BlobDigest, bytes: &[u8]) -> Result<(), JournalError> {
        self.kept.lock().blobs.insert((kind, *digest), (bytes.to_vec(), Instant::now()));
        Ok(())
    }

    fn get(&self, kind: BlobKind, digest: &BlobDigest) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.kept.lock().blobs.get(&(kind, *digest)).map(|(bytes, _)| bytes.clone()))
    }

    fn size(&self, kind: BlobKind, digest: &BlobDigest) -> Option<u64> {
        self.kept.lock().blobs.get(&(kind, *digest)).and_then(|(bytes, _)| u64::try_from(bytes.len()).ok())
    }

    fn name(&self, _kind: BlobKind, digest: &BlobDigest) -> String {
        hex::encode(digest)
    }

    fn older_than(&self, kind: BlobKind, age: Duration) -> Result<BTreeSet<BlobDigest>, JournalError> {
        let kept = self.kept.lock();
        let old = kept.blobs.iter().filter(|((other, _), (_, at))| *other == kind && at.elapsed() > age);
        Ok(old.map(|((_, digest), _)| *digest).collect())
    }

    fn remove(&self, kind: BlobKind, digest: &BlobDigest) -> Result<(), JournalError> {
        self.kept.lock().blobs.remove(&(kind, *digest));
        Ok(())
    }
}

struct MemoryWriter {
    journal: MemoryJournal,
    number: u64,
    batch: Vec<(Location, Arc<[u8]>)>,
    /// The location of the next frame.
    end: Location,
    /// Everything before this location is stored.
    durable: Location,
}

impl Writer for MemoryWriter {
    fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        if payload.len() > frame::PAYLOAD_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: payload.len(), most: frame::PAYLOAD_BYTES_MAX });
        }
        let at = self.end;
        self.end = at.after(payload);
        self.batch.push((at, payload.into()));
        Ok(at)
    }

    fn submit(&mut self) -> Result<(), JournalError> {
        let mut kept = self.journal.kept.lock();
        if kept.writer != self.number {
            return Err(JournalError::NotLeader("a later writer was opened".to_owned()));
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        for (at, payload) in self.batch.drain(..) {
            kept.segments.entry(at.segment).or_default().frames.insert(at.offset, payload);
        }
        if self.end.offset >= self.journal.segment_bytes {
            let closed_at = Some(self.journal.clock.now());
            kept.segments.entry(self.end.segment).or_default().closed_at = closed_at;
            self.end = Location::start_of(self.end.segment + 1);
            kept.segments.entry(self.end.segment).or_default();
        }
        self.durable = self.end;
        Ok(())
    }

    fn durable(&mut self, _wait: bool) -> Result<Location, JournalError> {
        Ok(self.durable)
    }
}
