//! The one writer: collects frames of a batch, writes them at once, syncs once.
//!
//! After a failed write or sync it refuses everything: the kernel may have dropped the dirty pages, so trying again
//! would acknowledge what is not on disk. For the same reason the next process writes the tail of the journal again: what
//! it reads there may be in memory alone.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{JournalError, Location, SegmentNumber, frame, mark, segment};

/// Appends frames to the newest segment.
pub(crate) struct Writer {
    dir: PathBuf,
    pub(super) file: File,
    segment: SegmentNumber,
    /// Bytes of the segment that are durable.
    synced: u32,
    /// Frames of the batch at work.
    pub(super) pending: Vec<u8>,
    segment_bytes_max: u32,
    mark: mark::Mark,
    stopped: Option<String>,
    /// Where a simulated process dies; always none in production.
    pub(crate) crash: Option<super::Crash>,
}

impl Writer {
    /// Continues at `end` (from recovery), or starts segment 1 in an empty folder. What follows `end` is cut off.
    pub(crate) fn open(dir: &Path, end: Option<Location>, segment_bytes_max: u32) -> Result<Self, JournalError> {
        let (file, segment, synced) = match end {
            None => (segment::create(dir, 1)?, 1, header_bytes()),
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
            segment_bytes_max,
            mark,
            stopped: None,
            crash: None,
        })
    }

    /// Where the next frame will start.
    pub(crate) fn end(&self) -> Location {
        let pending = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
        Location { segment: self.segment, offset: self.synced.saturating_add(pending) }
    }

    /// Adds a frame to the batch. It is neither written nor durable before [`Writer::sync`].
    pub(crate) fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        self.check_running()?;
        if payload.len() > frame::PAYLOAD_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: payload.len(), most: frame::PAYLOAD_BYTES_MAX });
        }
        let location = self.end();
        frame::write(&mut self.pending, payload, self.synced);
        Ok(location)
    }

    /// True once the batch at work should be synced before more is added to it.
    pub(crate) fn is_batch_full(&self) -> bool {
        self.pending.len() >= 4 << 20
    }

    /// Bytes of the batch at work.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Writes the batch and makes it durable; afterwards starts a new segment if this one is full.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.check_running()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.die(false);
        let done = self.file.write_all(&self.pending).and_then(|()| self.file.sync_data());
        self.die(true);
        if let Err(source) = done {
            self.stopped = Some(source.to_string());
            let path = segment::path(&self.dir, self.segment);
            return Err(JournalError::Io { action: "write and sync", path, source });
        }
        self.synced = self.end().offset;
        self.pending.clear();
        if let Err(error) = self.mark.set(self.end()) {
            // The batch is durable, yet a disk that refuses sixteen bytes is no disk to go on with.
            self.stopped = Some(error.to_string());
            return Err(error);
        }
        if self.synced >= self.segment_bytes_max
            && let Err(error) = self.rotate()
        {
            self.stopped = Some(error.to_string());
            return Err(error);
        }
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        self.file = segment::create(&self.dir, self.segment + 1)?;
        self.segment += 1;
        self.synced = header_bytes();
        Ok(())
    }

    fn check_running(&self) -> Result<(), JournalError> {
        self.stopped.as_ref().map_or(Ok(()), |why| Err(JournalError::Stopped(why.clone())))
    }
}

impl Drop for Writer {
    /// An orderly end leaves the mark durable: whatever is missing before it at the next start was lost by the disk.
    fn drop(&mut self) {
        if self.stopped.is_none()
            && let Err(error) = self.mark.sync()
        {
            tracing::warn!(%error, "the journal's mark is not durable");
        }
    }
}

/// Cuts what follows `end`, and makes what is before it durable. A process whose sync failed leaves frames that can be
/// read and are not on disk: the kernel takes them for clean, so they are written again, from the mark on.
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

fn header_bytes() -> u32 {
    u32::try_from(segment::HEADER_BYTES).unwrap_or(u32::MAX)
}
