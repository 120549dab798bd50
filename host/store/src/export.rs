//! A consistent copy of the index rows that cannot be derived from the remaining segments. The copy and those segments
//! are enough to rebuild the index.
//!
//! It is written before old segments are dropped. It leaves out rows that hold locations in the journal: they are most
//! of the index, and follow from the segments. Format: length, key, length, value for each row, and a CRC-32C over
//! everything at the end. Journal frames would also work, but rows do not depend on their order of arrival.

use std::io::{self, Read, Write};

use super::StoreError;
use super::apply::{Sink, apply};
use super::buffer::Layer;
use super::changes::Frame;
use super::checkpoint::{self, Checkpoint};
use super::index::Index;
use super::journal::{Journal, Location, try_visit};
use super::keys::{self, Key};

const MAGIC: &[u8; 8] = b"HNDEXPT1";
/// Rows that are written to an index at once while it is filled.
const ROWS_AT_ONCE: usize = 10_000;

/// Writes all rows of an index that do not follow from the log.
pub(super) fn write(index: &Index, out: &mut dyn Write) -> io::Result<()> {
    let mut out = Summing { inner: out, sum: 0 };
    out.write_all(MAGIC)?;
    // An index has its own error type.
    let failed = |error: io::Error| StoreError::Export(error.to_string());
    let mut row = |key: &[u8], value: &[u8]| put(&mut out, key).and_then(|()| put(&mut out, value)).map_err(failed);
    index
        .each(|key, value| if keys::follows_from_log(key) { Ok(()) } else { row(key, value) })
        .map_err(io::Error::other)?;
    put(&mut out, &[])?;
    let sum = out.sum;
    out.inner.write_all(&sum.to_le_bytes())
}

/// Fills an index from the newest export of a journal. Does nothing if there is no export.
pub(super) fn restore(journal: &dyn Journal, index: &Index) -> Result<(), StoreError> {
    // Read twice: no part of a damaged export may reach the index.
    let Some(export) = journal.export()? else { return Ok(()) };
    let mut rows = 0_u64;
    read(export, |_, _| {
        rows += 1;
        Ok(())
    })?;
    let Some(export) = journal.export()? else { return Ok(()) };
    let mut batch = Layer::new();
    let mut checkpoint = None;
    read(export, |key, value| {
        if key == checkpoint::key() {
            checkpoint = Some(value);
            return Ok(());
        }
        batch.insert(key, Some(value));
        if batch.len() >= ROWS_AT_ONCE { index.write(&std::mem::take(&mut batch)) } else { Ok(()) }
    })?;
    index.write(&batch)?;
    let checkpoint = checkpoint.ok_or_else(|| StoreError::Export("it holds no checkpoint".to_owned()))?;
    let stands_for = Checkpoint::read(&checkpoint::key(), &checkpoint)?;
    let rest = log_rows(journal, index, stands_for.journal)?;
    // Written last: if the process dies earlier, the index has no checkpoint and is filled again.
    index.checkpoint(&rest, (checkpoint::key(), checkpoint))?;
    tracing::info!(rows, "index made again from its export and the journal");
    Ok(())
}

/// Writes the rows for locations in the journal before `end`. Returns the rows that are still to be written.
fn log_rows(journal: &dyn Journal, index: &Index, end: Location) -> Result<Layer, StoreError> {
    let mut rows = LogRows::default();
    let visit = |at, payload: &[u8]| {
        apply(&Frame::decode(payload, at)?, at, &mut rows);
        if rows.0.len() >= ROWS_AT_ONCE { index.write(&std::mem::take(&mut rows.0)) } else { Ok(()) }
    };
    try_visit(visit, |visit| journal.scan(Location::default()..end, visit))?;
    Ok(rows.0)
}

/// Collects the writes of a frame that hold locations in the journal.
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

fn read(export: impl Read, mut visit: impl FnMut(Key, Vec<u8>) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Export(error.to_string());
    let mut input = Summing { inner: export, sum: 0 };
    let mut magic = [0; 8];
    input.read_exact(&mut magic).map_err(failed)?;
    if &magic != MAGIC {
        return Err(StoreError::Export("it is not an export of this version".to_owned()));
    }
    loop {
        let key = take(&mut input).map_err(failed)?;
        if key.is_empty() {
            break;
        }
        let value = take(&mut input).map_err(failed)?;
        visit(Key::from_vec(key), value)?;
    }
    let sum = input.sum;
    let mut expected = [0; 4];
    input.inner.read_exact(&mut expected).map_err(failed)?;
    let is_sound = u32::from_le_bytes(expected) == sum;
    if is_sound { Ok(()) } else { Err(StoreError::Export("its checksum does not match".to_owned())) }
}

struct Summing<T> {
    inner: T,
    sum: u32,
}

impl<T: Write + ?Sized> Write for Summing<&mut T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn put(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)
}

fn take(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
    if length > 128 << 20 {
        return Err(io::Error::other("a length is impossible"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
