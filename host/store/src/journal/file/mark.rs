//! The mark: up to where the journal was acknowledged, in a small file beside the segments. Decides nothing.
//!
//! Written after each batch's `fdatasync` and not synced itself, so it costs no wait: it is never ahead of what is durable.
//! A process that is killed leaves it exact; so does an orderly end, which syncs it. A power cut may leave an older one
//! (what the kernel has not written back, some 30 seconds), or none; then the `synced` of later frames is what is known.
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

/// The mark that an earlier process left, if it left one that can be believed.
pub(crate) fn read(dir: &Path) -> Option<Location> {
    let mut bytes = [0; BYTES];
    File::open(path(dir)).and_then(|file| file.read_exact_at(&mut bytes, 0)).ok()?;
    let (place, sum) = bytes.split_last_chunk::<4>()?;
    let (segment, offset) = place.split_first_chunk::<8>()?;
    let mark = Location { segment: u64::from_le_bytes(*segment), offset: u32::from_le_bytes(*offset.first_chunk()?) };
    (crc32c::crc32c(place) == u32::from_le_bytes(*sum)).then_some(mark)
}

/// After a repair the journal ends where it ends.
pub(crate) fn forget(dir: &Path) -> Result<(), JournalError> {
    let path = path(dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::io("delete", &path)(error)),
        _ => super::segment::sync_dir(dir),
    }
}

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = path(dir);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        Ok(Self { file: file.map_err(JournalError::io("open", &path))?, path })
    }

    /// Everything before `end` is durable.
    pub(super) fn set(&self, end: Location) -> Result<(), JournalError> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&end.segment.to_le_bytes());
        bytes.extend_from_slice(&end.offset.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        self.file.write_all_at(&bytes, 0).map_err(JournalError::io("write", &self.path))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().map_err(JournalError::io("sync", &self.path))
    }
}
