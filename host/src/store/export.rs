//! A consistent copy of the index in one file: with the journal after it, enough to make the index again.
//!
//! Written before old segments go, because from then on the journal alone is not enough. Frames as in the journal would
//! do, but rows need no order of arrival: length, key, length, value, and a CRC-32C over all at the end.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use super::index::Index;
use super::keys::Key;
use super::{StoreError, StoreOptions, files};

const MAGIC: &[u8; 8] = b"HNDEXPT1";

/// Writes all rows of the index. The newest export replaces the one before, atomically.
pub(super) fn write(options: &StoreOptions, index: &Index) -> Result<(), StoreError> {
    let path = path(options);
    let io = |source| StoreError::Io { action: "write", path: path.clone(), source };
    files::replace(&path, |file| {
        let mut out = Summing { inner: BufWriter::new(file), sum: 0 };
        out.write_all(MAGIC)?;
        index
            .each(|key, value| put(&mut out, key).and_then(|()| put(&mut out, value)).map_err(io))
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
    let mut batch = super::buffer::Layer::new();
    let mut checkpoint = None;
    read(&path, |key, value| {
        if key == super::checkpoint::key() {
            checkpoint = Some(value);
            return Ok(());
        }
        batch.insert(key, Some(value));
        if batch.len() >= 10_000 { index.write(&std::mem::take(&mut batch)) } else { Ok(()) }
    })?;
    let no_checkpoint = || io(std::io::Error::other("it holds no checkpoint: restore a backup of the data folder"));
    // Last of all: a process that dies on the way leaves an index without a checkpoint, which is filled again.
    index.checkpoint(&batch, (super::checkpoint::key(), checkpoint.ok_or_else(no_checkpoint)?))?;
    tracing::info!(rows, "index restored from its export");
    Ok(())
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
        visit(key, value)?;
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
