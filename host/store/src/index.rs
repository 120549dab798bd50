//! The index in sled: point reads, ordered reads, and checkpoints. Its files are sealed between checkpoints. No other
//! module uses sled.
//!
//! sled's own flush is not durable (it ends in `sync_file_range`), so the file itself is synced after a checkpoint.
//! Large values are cut into pieces (see `pieces`); small rows share a row of sled (see `packing`).

mod packing;
mod pieces;
mod range;
mod release;
mod seal;
mod write;

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;

#[cfg(test)]
pub(super) use seal::{forget_boot, open as open_seal};

use seal::{Broken, Check};

use super::keys::Key;
use super::{StoreError, files};

/// Names the layout of rows: an index of another layout counts as empty and is rebuilt.
const TREE: &str = "packed";
/// The file that records the index's size after its last rewrite.
const NOTE: &str = "size-when-new";

/// Rows to write, ascending: a value, or none for a deleted row.
pub(super) trait Rows<'a>: IntoIterator<Item = (&'a Key, &'a Option<Vec<u8>>)> {}

impl<'a, T: IntoIterator<Item = (&'a Key, &'a Option<Vec<u8>>)>> Rows<'a> for T {}

/// The sled database.
pub(super) struct Index {
    db: sled::Db,
    rows: sled::Tree,
    pieces: sled::Tree,
    dir: PathBuf,
    /// Bytes of its file right after its last rewrite; 0 if it was never rewritten.
    bytes_when_new: u64,
    is_sealed: Mutex<bool>,
    /// How long sled may write before a check for a blocked write; see [`Index::watched`].
    watch: Duration,
    /// The last field, so that it is dropped after the files are closed.
    gone: Mutex<Option<Sender<Infallible>>>,
}

impl Index {
    /// Opens the index in a folder, or creates an empty one. Fails if the files differ from what the last checkpoint
    /// sealed, or stay open in this process.
    pub(super) fn open(dir: &Path, cache_bytes: u64, watch: Duration) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { action: "seal", path: dir.to_path_buf(), source };
        files::create_folder(dir).and_then(|()| files::sweep_unfinished(dir)).map_err(io)?;
        release::wait(dir)?;
        let check = seal::check(dir).map_err(io)?;
        if let Check::Broken(Broken { path, byte, problem }) = check {
            return Err(StoreError::BrokenIndex { path, byte, problem: problem.to_owned() });
        }
        // Opening writes to the files, too.
        seal::open(dir).map_err(io)?;
        let (db, rows, pieces) = open_sled(dir, cache_bytes)?;
        let bytes_when_new = noted_size(dir).unwrap_or(0);
        let (is_sealed, gone) = (Mutex::new(false), Mutex::default());
        let index = Self { db, rows, pieces, dir: dir.to_path_buf(), bytes_when_new, is_sealed, gone, watch };
        // Reading data of a process that died during a write may write (see `settle`). The next checkpoint writes the
        // same rows again.
        if check == Check::Holds {
            index.seal()?;
        }
        Ok(index)
    }

    /// Whether its files stay unchanged until the next checkpoint.
    pub(super) fn is_sealed(&self) -> bool {
        *self.is_sealed.lock()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn bytes_when_new(&self) -> u64 {
        self.bytes_when_new
    }

    /// Returns a channel that closes once the index is no longer used and its files are closed.
    pub(super) fn when_gone(&self) -> Receiver<Infallible> {
        let (sender, receiver) = channel();
        *self.gone.lock() = Some(sender);
        receiver
    }

    /// Bytes of sled's file.
    pub(super) fn file_bytes(&self) -> Result<u64, StoreError> {
        Ok(fs::metadata(self.dir.join("db")).map_err(self.failed("inspect"))?.len())
    }

    /// Records that the index is complete, and its size; durable on return. Nothing else may write in the meantime.
    pub(super) fn note_size(&mut self) -> Result<(), StoreError> {
        let bytes = self.file_bytes()?;
        files::replace(&self.dir.join(NOTE), |file| file.write_all(bytes.to_string().as_bytes()))
            .map_err(self.failed("note the size of"))?;
        self.bytes_when_new = bytes;
        self.seal()
    }

    /// Whether the index in a folder was recorded as complete.
    pub(super) fn is_noted(dir: &Path) -> bool {
        noted_size(dir).is_some()
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match packing::place(key) {
            None => Ok(self.row(key)?.map(|row| row.to_vec())),
            Some(place) => {
                let Some(block) = self.row(&place.block())? else { return Ok(None) };
                Ok(packing::find(&block, place.suffix).map_err(malformed)?.map(<[u8]>::to_vec))
            }
        }
    }

    /// Writes rows, then `last` in a separate batch, then makes all of it durable.
    pub(super) fn checkpoint<'a>(&self, rows: impl Rows<'a>, last: (Key, Vec<u8>)) -> Result<(), StoreError> {
        self.write(rows)?;
        self.watched(|| self.sync())?;
        // Never cut into pieces, whatever its size: it must change atomically.
        let row = pieces::inline(&last.1);
        self.watched(|| {
            self.rows.insert(&last.0, row)?;
            write::settle(&self.rows, &[last.0])
        })?;
        self.seal()
    }

    /// Writes rows without making them durable. The seal stays open until the next checkpoint.
    pub(super) fn write<'a>(&self, rows: impl Rows<'a>) -> Result<(), StoreError> {
        self.unseal()?;
        self.watched(|| self.write_rows(rows))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        let path = self.dir.join("db");
        File::open(&path).and_then(|file| file.sync_all()).map_err(|source| StoreError::Io {
            action: "sync",
            path,
            source,
        })
    }

    /// Runs work that makes sled write. If the disk fails while sled waits for another thread's write, nothing wakes
    /// the waiting thread: a checkpoint on a full disk would block the host forever. A later flush sees the failure and
    /// wakes all waiting threads, so this function flushes from time to time while the work runs.
    fn watched<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (working, ended) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while ended.recv_timeout(self.watch) == Err(RecvTimeoutError::Timeout) {
                    // On its own thread: the flush may block as well, and the next flush then wakes it.
                    scope.spawn(move || self.db.flush().map(drop));
                }
            });
            let done = work();
            drop(working);
            done
        })
    }

    fn unseal(&self) -> Result<(), StoreError> {
        let mut is_sealed = self.is_sealed.lock();
        if std::mem::take(&mut *is_sealed) {
            seal::open(&self.dir).map_err(self.failed("unseal"))?;
        }
        Ok(())
    }

    fn seal(&self) -> Result<(), StoreError> {
        self.watched(|| self.sync())?;
        let mut is_sealed = self.is_sealed.lock();
        seal::close(&self.dir).map_err(self.failed("seal"))?;
        *is_sealed = true;
        Ok(())
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = self.dir.clone();
        move |source| StoreError::Io { action, path, source }
    }

    /// The value of one row of sled.
    fn row(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.rows.get(key)?.map_or(Ok(None), |row| self.whole(key, row))
    }
}

fn malformed(_: packing::Malformed) -> StoreError {
    StoreError::MalformedBlock
}

fn noted_size(dir: &Path) -> Option<u64> {
    fs::read_to_string(dir.join(NOTE)).ok()?.parse().ok()
}

/// Opens sled. sled answers some damage with a panic, which is handled like any other failure to open.
fn open_sled(dir: &Path, cache_bytes: u64) -> Result<(sled::Db, sled::Tree, sled::Tree), StoreError> {
    let open = || {
        let db = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            // The checkpoint flushes and syncs; a timer would add useless work.
            .flush_every_ms(None)
            .open()?;
        let (rows, pieces) = (db.open_tree(TREE)?, db.open_tree("pieces")?);
        Ok((db, rows, pieces))
    };
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        let problem = "the database library panicked while it opened it".to_owned();
        Err(StoreError::BrokenIndex { path: dir.join("db"), byte: 0, problem })
    })
}
