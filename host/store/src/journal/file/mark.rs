//! The mark: the end of the acknowledged journal, in a small file beside the segments. Makes no decisions.
//!
//! The mark is written after each batch's `fdatasync` and not synced itself. So it costs no wait and is never ahead of
//! the durable data. It is exact after a kill, and after a regular end, which syncs it. After a power cut it may be
//! missing or old (by what the kernel has not written back, some 30 seconds). Then only the `synced` of later frames
//! tells what was durable.
//!
//! ```text
//! segment u64 | offset u32 | crc32c u32
//! ```

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::journal::{JournalError, Location};

const BYTES: usize = 16;

/// The file of the mark, open for writing.
pub(super) struct Mark {
    file: File,
    path: PathBuf,
}

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("acknowledged")
}

/// The mark of an earlier process, if it exists and is valid.
pub(crate) fn read(dir: &Path) -> Option<Location> {
    let mut bytes = [0; BYTES];
    File::open(path(dir)).and_then(|file| file.read_exact_at(&mut bytes, 0)).ok()?;
    let (place, sum) = bytes.split_last_chunk::<4>()?;
    let (segment, offset) = place.split_first_chunk::<8>()?;
    let mark = Location { segment: u64::from_le_bytes(*segment), offset: u32::from_le_bytes(*offset.first_chunk()?) };
    (crc32c::crc32c(place) == u32::from_le_bytes(*sum)).then_some(mark)
}

/// Deletes the mark: after a repair the journal may end earlier.
pub(crate) fn forget(dir: &Path) -> Result<(), JournalError> {
    let path = path(dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::io("delete", &path)(error)),
        _ => super::segment::sync_dir(dir),
    }
}

/// The content of the file that marks an end.
pub(super) fn encode(end: Location) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(&end.segment.to_le_bytes());
    bytes.extend_from_slice(&end.offset.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = path(dir);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        Ok(Self { file: file.map_err(JournalError::io("open", &path))?, path })
    }

    /// Records that everything before `end` is durable.
    pub(super) fn set(&self, end: Location) -> Result<(), JournalError> {
        self.file.write_all_at(&encode(end), 0).map_err(JournalError::io("write", &self.path))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().map_err(JournalError::io("sync", &self.path))
    }
}
