//! The journal of one host: segment files of checksummed frames, with one writer and one `fdatasync` per batch. The
//! export and the blobs are files beside them. Does not interpret frames.

mod backup;
mod blobs;
mod mark;
mod reader;
mod repair;
mod salvage;
mod segment;
mod writer;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handoff_model::time::{Clock, SystemClock};

use crate::files;

use super::{
    AddFile, Blobs, FrameMeaning, Journal, JournalError, Location, Loss, Segment, Tail, Visit, WriteExport, Writer,
};

#[cfg(test)]
pub(crate) use mark::path as mark_path;
pub(crate) use reader::{FrameReader, Frames, scan_segment};
pub(crate) use segment::{SegmentNumber, header as segment_header, list_segments, path as segment_path};
pub(crate) use writer::FileWriter;

use blobs::FileBlobs;

/// The name of the export in a data folder.
const EXPORT: &str = "export";

/// A journal in files of a data folder.
pub struct FileJournal {
    data: PathBuf,
    segments: PathBuf,
    segment_bytes: u32,
    reader: FrameReader,
    blobs: FileBlobs,
    clock: Arc<dyn Clock>,
}

impl FileJournal {
    /// Opens the journal of a data folder, and creates it if it does not exist. A segment is closed at `segment_bytes`.
    /// Only one process may use it: unfinished files of an earlier process are deleted.
    pub fn open(data: &Path, segment_bytes: u32) -> Result<Self, JournalError> {
        let journal = Self::unopened(data, segment_bytes);
        for dir in [journal.segments.as_path()].into_iter().chain(journal.blobs.folders()) {
            files::create_folder(dir).map_err(JournalError::io("create", dir))?;
        }
        for dir in [journal.segments.as_path(), data].into_iter().chain(journal.blobs.folders()) {
            files::sweep_unfinished(dir).map_err(JournalError::io("clear", dir))?;
            // Also if the folder existed: an earlier process may have died before it made the name durable.
            files::sync_folder_of(dir).map_err(JournalError::io("sync the folder of", dir))?;
        }
        Ok(journal)
    }

    /// The journal as it is: nothing is created or deleted.
    pub(crate) fn unopened(data: &Path, segment_bytes: u32) -> Self {
        let segments = data.join("journal");
        let (reader, blobs) = (FrameReader::new(segments.clone()), FileBlobs::of(data));
        Self { data: data.to_path_buf(), segments, segment_bytes, reader, blobs, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock for the closing times of segments.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn export_path(&self) -> PathBuf {
        self.data.join(EXPORT)
    }
}

impl Journal for FileJournal {
    fn replay(&self, from: Option<Location>, visit: &mut Visit<'_>) -> Result<Tail, JournalError> {
        let mut stopped = false;
        let end = Frames::replay(&self.segments, from, |at, payload| {
            stopped = stopped || visit(at, payload).is_break();
            Ok::<(), JournalError>(())
        })?;
        Ok(Tail { end })
    }

    fn writer(&self, tail: Tail) -> Result<Box<dyn Writer>, JournalError> {
        Ok(Box::new(FileWriter::open(&self.segments, tail.end, self.segment_bytes, self.clock.clone())?))
    }

    fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        self.reader.read(at)
    }

    fn scan(&self, range: Range<Location>, visit: &mut Visit<'_>) -> Result<Location, JournalError> {
        let mut next = range.start;
        for number in list_segments(&self.segments)? {
            if number < range.start.segment || Location::start_of(number) >= range.end {
                continue;
            }
            let offset = if number == range.start.segment { range.start.offset } else { 0 };
            next = next.max(Location { segment: number, offset });
            let mut stopped = false;
            let (_, damage) = scan_segment(&self.segments, number, offset, |at, payload| {
                if stopped || at >= range.end {
                    return Ok(());
                }
                next = at.after(payload);
                stopped = visit(at, payload).is_break();
                Ok::<(), JournalError>(())
            })?;
            if stopped {
                break;
            }
            // Data after the last durable frame may still be in the process of being written.
            if let Some(damage) =
                damage.filter(|damage| (Location { segment: number, offset: damage.offset }) < range.end)
            {
                return Err(damage.error(&self.segments, number));
            }
        }
        Ok(next)
    }

    fn segments(&self) -> Result<Vec<Segment>, JournalError> {
        let numbers = list_segments(&self.segments)?;
        let mut segments = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let path = segment_path(&self.segments, *number);
            let bytes = fs::metadata(&path).map_err(JournalError::io("inspect", &path))?.len();
            segments.push(Segment { number: *number, bytes, closed_at: None });
        }
        // A segment is closed by the batch that starts the next one.
        for (segment, next) in segments.iter_mut().zip(numbers.iter().skip(1)) {
            segment.closed_at = segment::read_created_at(&self.segments, *next);
        }
        Ok(segments)
    }

    fn retire(&self, _stands_for: Location, before: u64, export: &mut WriteExport<'_>) -> Result<(), JournalError> {
        let path = self.export_path();
        files::replace(&path, |file| {
            let mut out = BufWriter::new(file);
            export(&mut out)?;
            out.flush()
        })
        .map_err(JournalError::io("write", &path))?;
        for number in list_segments(&self.segments)?.into_iter().filter(|number| *number < before) {
            segment::remove_segment(&self.segments, number)?;
            self.reader.forget(number);
        }
        Ok(())
    }

    fn export(&self) -> Result<Option<Box<dyn Read + Send>>, JournalError> {
        let path = self.export_path();
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(BufReader::new(file)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("read", &path)(error)),
        }
    }

    fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }

    fn back_up(&self, end: Location, add: &mut AddFile<'_>) -> Result<(), JournalError> {
        backup::back_up(&self.data, &self.segments, self.blobs.folders(), end, add)
    }

    fn repair(&self, accept: bool, meaning: &FrameMeaning<'_>) -> Result<Vec<Loss>, JournalError> {
        repair::repair(&self.segments, &self.data.join("damaged"), accept, meaning, self.clock.now())
    }
}
