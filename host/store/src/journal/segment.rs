//! Segment files: their names, their header, and their folder's durability.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::JournalError;

/// A segment's number. The first is 1.
pub(crate) type SegmentNumber = u64;

/// Magic, format version, segment number.
pub(super) const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 6] = *b"HNDOFF";
const FORMAT_VERSION: u16 = 1;

pub(crate) fn path(dir: &Path, number: SegmentNumber) -> PathBuf {
    dir.join(format!("{number:016x}.journal"))
}

/// The numbers of the segments in `dir`, ascending.
pub(crate) fn list_segments(dir: &Path) -> Result<Vec<SegmentNumber>, JournalError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
        let entry = entry.map_err(JournalError::io("list", dir))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        if let Some(number) = number.and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Deletes a segment for good.
pub(crate) fn remove_segment(dir: &Path, number: SegmentNumber) -> Result<(), JournalError> {
    let path = path(dir, number);
    fs::remove_file(&path).map_err(JournalError::io("delete", &path))?;
    sync_dir(dir)
}

/// Creates an empty segment; it and its folder entry are durable on return.
pub(super) fn create(dir: &Path, number: SegmentNumber) -> Result<File, JournalError> {
    let path = path(dir, number);
    let mut file = OpenOptions::new()
        .create_new(true)
        .read(true)
        .append(true)
        .open(&path)
        .map_err(JournalError::io("create", &path))?;
    file.write_all(&header(number)).and_then(|()| file.sync_all()).map_err(JournalError::io("write", &path))?;
    sync_dir(dir)?;
    Ok(file)
}

pub(super) fn header(number: SegmentNumber) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    let (version, place) = rest.split_at_mut(2);
    magic.copy_from_slice(&MAGIC);
    version.copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    place.copy_from_slice(&number.to_le_bytes());
    header
}

/// Makes creations and deletions in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync folder", dir))
}
