//! The only writer of segment files: collects the frames of a batch, writes them at once, and syncs once.
//!
//! After a failed sync it refuses all requests: the kernel may have dropped the dirty pages, so a retry would
//! acknowledge data that is not on disk. For the same reason the next process writes the tail of the journal again: the
//! data that it reads there may only be in memory. A write that fails for lack of space or descriptors was not followed
//! by a sync, and is repeated from the last synced byte on.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handoff_model::time::Clock;

use crate::journal::{Crash, JournalError, Location, SEGMENT_HEADER_BYTES, Writer, frame};

use super::mark;
use super::segment::{self, SegmentNumber};

/// Appends frames to the newest segment.
pub(crate) struct FileWriter {
    dir: PathBuf,
    file: File,
    segment: SegmentNumber,
    /// Bytes of the segment that are durable.
    synced: u32,
    /// Frames of the batch.
    pending: Vec<u8>,
    /// Whether the batch is in the file, but not synced.
    is_written: bool,
    segment_bytes_max: u32,
    mark: mark::Mark,
    clock: Arc<dyn Clock>,
    stopped: Option<String>,
    /// Where a simulated process dies; always none in production.
    crash: Option<Crash>,
}

impl FileWriter {
    /// Continues at `end` (from recovery), or creates segment 1 in an empty folder. Data after `end` is cut off.
    pub(crate) fn open(
        dir: &Path,
        end: Option<Location>,
        segment_bytes_max: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JournalError> {
        let (file, segment, synced) = match end {
            None => (segment::create(dir, 1, clock.now())?, 1, SEGMENT_HEADER_BYTES),
            Some(end) => {
                let path = segment::path(dir, end.segment);
                secure_tail(dir, &path, end)?;
                let file =
                    OpenOptions::new().read(true).append(true).open(&path).map_err(JournalError::io("open", &path))?;
                (file, end.segment, end.offset)
            }
        };
        let mark = mark::Mark::open(dir)?;
        mark.set(Location { segment, offset: synced })?;
        segment::sync_dir(dir)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            file,
            segment,
            synced,
            pending: Vec::new(),
            is_written: false,
            segment_bytes_max,
            mark,
            clock,
            stopped: None,
            crash: None,
        })
    }

    fn end(&self) -> Location {
        let pending = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
        Location { segment: self.segment, offset: self.synced.saturating_add(pending) }
    }

    /// Starts a new segment once the newest one is full. If there is no space for it, the newest one keeps growing.
    fn rotate_if_full(&mut self) -> Result<(), JournalError> {
        if self.synced < self.segment_bytes_max {
            return Ok(());
        }
        match segment::create(&self.dir, self.segment + 1, self.clock.now()) {
            Ok(file) => {
                self.file = file;
                self.segment += 1;
                self.synced = SEGMENT_HEADER_BYTES;
                Ok(())
            }
            Err(JournalError::Io { action: "create" | "write", source, .. }) if may_repeat(&source) => {
                tracing::warn!(error = %source, "no new segment: the newest one grows further");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn check_running(&self) -> Result<(), JournalError> {
        self.stopped.as_ref().map_or(Ok(()), |why| Err(JournalError::Stopped(why.clone())))
    }

    /// Stops acknowledging for good.
    fn stop(&mut self, error: JournalError) -> JournalError {
        self.stopped = Some(match &error {
            JournalError::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        });
        error
    }

    /// Dies if the test asked for it here, without calling the panic hook.
    fn die(&self, synced: bool) {
        match self.crash {
            None => return,
            Some(Crash::BeforeWrite) => {}
            Some(Crash::Torn(part)) => {
                let bytes = self.pending.len() * usize::from(part) / 256;
                let torn = self.pending.get(..bytes).unwrap_or_default();
                // An error is ignored: a simulated disk may accept only a part, or nothing.
                drop((&self.file).write_all(torn));
            }
            Some(Crash::AfterSync) if synced => {}
            Some(Crash::AfterSync) => return,
        }
        resume_unwind(Box::new("crash"));
    }
}

impl Writer for FileWriter {
    fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        self.check_running()?;
        if payload.len() > frame::PAYLOAD_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: payload.len(), most: frame::PAYLOAD_BYTES_MAX });
        }
        let location = self.end();
        frame::write(&mut self.pending, payload, self.synced);
        Ok(location)
    }

    fn submit(&mut self) -> Result<(), JournalError> {
        self.check_running()?;
        if self.pending.is_empty() || self.is_written {
            return Ok(());
        }
        self.die(false);
        let Err(source) = self.file.write_all(&self.pending) else {
            self.is_written = true;
            return Ok(());
        };
        let path = segment::path(&self.dir, self.segment);
        if may_repeat(&source) {
            // A part may have been written. It was never synced, so the whole batch can be written again.
            match self.file.set_len(u64::from(self.synced)) {
                Ok(()) => return Err(JournalError::Blocked(format!("`{}`: {source}", path.display()))),
                Err(source) => return Err(self.stop(JournalError::Io { action: "cut", path, source })),
            }
        }
        Err(self.stop(JournalError::Io { action: "write and sync", path, source }))
    }

    fn durable(&mut self, wait: bool) -> Result<Location, JournalError> {
        self.check_running()?;
        if !self.is_written || !wait {
            return Ok(Location { segment: self.segment, offset: self.synced });
        }
        let done = self.file.sync_data();
        self.die(true);
        if let Err(source) = done {
            let path = segment::path(&self.dir, self.segment);
            return Err(self.stop(JournalError::Io { action: "write and sync", path, source }));
        }
        let end = self.end();
        self.synced = end.offset;
        self.pending.clear();
        self.is_written = false;
        // If this fails the batch is durable, but a disk that refuses sixteen bytes must not be used further.
        self.mark.set(end).and_then(|()| self.rotate_if_full()).map_err(|error| self.stop(error))?;
        Ok(self.end())
    }

    fn set_crash(&mut self, crash: Crash) {
        self.crash = Some(crash);
    }
}

impl Drop for FileWriter {
    /// A regular end makes the mark durable: if data before it is missing at the next start, the disk lost it.
    fn drop(&mut self) {
        if self.stopped.is_none()
            && let Err(error) = self.mark.sync()
        {
            tracing::warn!(%error, "the journal's mark is not durable");
        }
    }
}

/// Whether a write failed only for lack of space or descriptors, which does not indicate a faulty disk.
fn may_repeat(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    // EMFILE and ENFILE have no `ErrorKind`.
    matches!(error.kind(), StorageFull | QuotaExceeded) || matches!(error.raw_os_error(), Some(23 | 24))
}

/// Cuts the file at `end`, and makes the data before it durable. A process whose sync failed leaves frames that can be
/// read but are not on disk. The kernel treats their pages as clean, so they are written again, from the mark on.
fn secure_tail(dir: &Path, path: &Path, end: Location) -> Result<(), JournalError> {
    let marked = mark::read(dir).filter(|mark| mark.segment == end.segment).map_or(0, |mark| mark.offset);
    let secure = || {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        file.set_len(u64::from(end.offset))?;
        let mut tail = vec![0; usize::try_from(end.offset.saturating_sub(marked)).unwrap_or(0)];
        file.read_exact_at(&mut tail, u64::from(marked))?;
        file.write_all_at(&tail, u64::from(marked))?;
        file.sync_all()
    };
    secure().map_err(JournalError::io("cut torn tail of", path))
}
