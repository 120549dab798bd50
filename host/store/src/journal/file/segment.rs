//! Segment files: their names, their header, and the durability of their folder. Reads no frames.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use handoff_model::time::Timestamp;

use crate::journal::{JournalError, SEGMENT_HEADER_BYTES};

/// A segment's number. The first is 1.
pub(crate) type SegmentNumber = u64;

/// Magic, format version, segment number, creation time in milliseconds, and a CRC-32C over all of these.
pub(super) const HEADER_BYTES: usize = 28;
const MAGIC: [u8; 6] = *b"HNDOFF";
const FORMAT_VERSION: u16 = 1;

const _: () = assert!(HEADER_BYTES == 28 && SEGMENT_HEADER_BYTES == 28, "locations are the same in every journal");

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

/// Deletes a segment durably.
pub(crate) fn remove_segment(dir: &Path, number: SegmentNumber) -> Result<(), JournalError> {
    let path = path(dir, number);
    fs::remove_file(&path).map_err(JournalError::io("delete", &path))?;
    sync_dir(dir)
}

/// Creates an empty segment; it and its folder entry are durable on return. If it fails before the sync, no file is
/// left.
pub(super) fn create(dir: &Path, number: SegmentNumber, at: Timestamp) -> Result<File, JournalError> {
    let path = path(dir, number);
    let mut file = OpenOptions::new()
        .create_new(true)
        .read(true)
        .append(true)
        .open(&path)
        .map_err(JournalError::io("create", &path))?;
    if let Err(source) = file.write_all(&header(number, at)) {
        drop(fs::remove_file(&path));
        return Err(JournalError::io("write", &path)(source));
    }
    file.sync_all().map_err(JournalError::io("sync", &path))?;
    sync_dir(dir)?;
    Ok(file)
}

pub(crate) fn header(number: SegmentNumber, created_at: Timestamp) -> [u8; HEADER_BYTES] {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    header.extend_from_slice(&number.to_le_bytes());
    header.extend_from_slice(&created_at.0.to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
    header.first_chunk().copied().unwrap_or([0; HEADER_BYTES])
}

/// When the segment was created, if `bytes` start with its header.
pub(super) fn created_at(bytes: &[u8], number: SegmentNumber) -> Option<Timestamp> {
    let found = bytes.get(..HEADER_BYTES)?;
    let time = found.get(16..)?.first_chunk().map(|bytes| Timestamp(u64::from_le_bytes(*bytes)))?;
    (found == header(number, time)).then_some(time)
}

/// When the segment was created, read from its file.
pub(super) fn read_created_at(dir: &Path, number: SegmentNumber) -> Option<Timestamp> {
    let mut bytes = [0; HEADER_BYTES];
    File::open(path(dir, number)).ok()?.read_exact(&mut bytes).ok()?;
    created_at(&bytes, number)
}

/// Makes creations and deletions in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync folder", dir))
}
