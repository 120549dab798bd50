//! A consistent copy, in one file, of what the index holds and the segments of the journal that are left do not: with them,
//! enough to make the index again.
//!
//! Written before old segments go. Rows that say where something is in the journal are not in it; they are most of the index, and
//! follow from the segments. Frames as in the journal would do, but rows need no order of arrival: length, key, length, value,
//! and a CRC-32C over all at the end.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use super::apply::{Sink, apply};
use super::buffer::Layer;
use super::changes::Frame;
use super::checkpoint::{self, Checkpoint};
use super::index::Index;
use super::journal::{Location, list_segments, scan_segment};
use super::keys::{self, Key};
use super::{StoreError, StoreOptions, files, open};

const MAGIC: &[u8; 8] = b"HNDEXPT1";
/// Rows that are written to an index together while it is filled.
const ROWS_AT_ONCE: usize = 10_000;

/// Writes all rows of the index. The newest export replaces the one before, atomically.
pub(super) fn write(options: &StoreOptions, index: &Index) -> Result<(), StoreError> {
    let path = path(options);
    let io = |source| StoreError::Io { action: "write", path: path.clone(), source };
    files::replace(&path, |file| {
        let mut out = Summing { inner: BufWriter::new(file), sum: 0 };
        out.write_all(MAGIC)?;
        let mut row = |key: &[u8], value: &[u8]| put(&mut out, key).and_then(|()| put(&mut out, value)).map_err(io);
        index
            .each(|key, value| if keys::follows_from_log(key) { Ok(()) } else { row(key, value) })
            .map_err(std::io::Error::other)?;
        put(&mut out, &[])?;
        let sum = out.sum;
        out.inner.write_all(&sum.to_le_bytes())?;
        out.inner.flush()
    })
    .map_err(io)
}

/// Fills an index from the newest export. Does nothing if there is none.
pub(super) fn restore(options: &StoreOptions, index: &Index) -> Result<(), StoreError> {
    let path = path(options);
    let io = |source| StoreError::Io { action: "read", path: path.clone(), source };
    if !fs::exists(&path).map_err(io)? {
        return Ok(());
    }
    // Twice: nothing of a damaged file may reach the index.
    let mut rows = 0_u64;
    read(&path, |_, _| {
        rows += 1;
        Ok(())
    })?;
    let mut batch = Layer::new();
    let mut checkpoint = None;
    read(&path, |key, value| {
        if key == checkpoint::key() {
            checkpoint = Some(value);
            return Ok(());
        }
        batch.insert(key, Some(value));
        if batch.len() >= ROWS_AT_ONCE { index.write(&std::mem::take(&mut batch)) } else { Ok(()) }
    })?;
    index.write(&batch)?;
    let no_checkpoint = || io(std::io::Error::other("it holds no checkpoint: restore a backup of the data folder"));
    let checkpoint = checkpoint.ok_or_else(no_checkpoint)?;
    let stands_for = Checkpoint::read(&checkpoint::key(), &checkpoint)?;
    let rest = log_rows(options, index, stands_for.journal)?;
    // Last of all: a process that dies on the way leaves an index without a checkpoint, which is filled again.
    index.checkpoint(&rest, (checkpoint::key(), checkpoint))?;
    tracing::info!(rows, "index made again from its export and the journal");
    Ok(())
}

/// Writes what the journal before a place says of where things are. Returns rows that are still to be written.
fn log_rows(options: &StoreOptions, index: &Index, end: Location) -> Result<Layer, StoreError> {
    let dir = open::journal_dir(options);
    let mut rows = LogRows::default();
    for number in list_segments(&dir)?.into_iter().filter(|number| *number <= end.segment) {
        let (_, damage) = scan_segment(&dir, number, 0, |at, payload| {
            if at < end {
                apply(&Frame::decode(payload, at)?, at, &mut rows);
            }
            if rows.0.len() >= ROWS_AT_ONCE { index.write(&std::mem::take(&mut rows.0)) } else { Ok(()) }
        })?;
        if let Some(damage) = damage.filter(|damage| (Location { segment: number, offset: damage.offset }) < end) {
            return Err(damage.error(&dir, number).into());
        }
    }
    Ok(rows.0)
}

/// Takes of a frame's writes those that say where something is in the journal.
#[derive(Default)]
struct LogRows(Layer);

impl Sink for LogRows {
    fn insert(&mut self, key: Key, value: Vec<u8>) {
        self.put(key, value);
    }

    fn put(&mut self, key: Key, value: Vec<u8>) {
        if keys::follows_from_log(&key) {
            self.0.insert(key, Some(value));
        }
    }

    fn delete(&mut self, key: Key) {
        if keys::follows_from_log(&key) {
            self.0.insert(key, None);
        }
    }
}

fn path(options: &StoreOptions) -> PathBuf {
    options.dir.join("export")
}

fn read(
    path: &std::path::Path,
    mut visit: impl FnMut(Key, Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { action: "read", path: path.to_path_buf(), source };
    let mut input = Summing { inner: BufReader::new(File::open(path).map_err(io)?), sum: 0 };
    let mut magic = [0; 8];
    input.read_exact(&mut magic).map_err(io)?;
    if &magic != MAGIC {
        return Err(io(std::io::Error::other("it is not an export of this version")));
    }
    loop {
        let key = take(&mut input).map_err(io)?;
        if key.is_empty() {
            break;
        }
        let value = take(&mut input).map_err(io)?;
        visit(Key::from_vec(key), value)?;
    }
    let sum = input.sum;
    let mut expected = [0; 4];
    input.inner.read_exact(&mut expected).map_err(io)?;
    if u32::from_le_bytes(expected) == sum {
        Ok(())
    } else {
        Err(io(std::io::Error::other("its checksum does not match: restore a backup of the data folder")))
    }
}

struct Summing<T> {
    inner: T,
    sum: u32,
}

impl<T: Write> Write for Summing<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn put(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)
}

fn take(input: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(std::io::Error::other)?;
    if length > 128 << 20 {
        return Err(std::io::Error::other("a length is impossible"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
