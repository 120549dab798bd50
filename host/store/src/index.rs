//! sled, and only here: point reads, ordered reads, and checkpoints, between which the files are sealed.
//!
//! Its own flush is no durability (it ends in `sync_file_range`), so after a checkpoint the file itself is synced.
//! Large values are cut into pieces (see `pieces`), small rows share a row of sled (see `packing`).

mod packing;
mod pieces;
mod range;
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

/// Names the layout of rows: an index of another layout counts as empty and is made again.
const TREE: &str = "packed";
/// File with the size that the index had when it was written anew.
const NOTE: &str = "size-when-new";

/// Rows to be written, ascending: a value, or none for one that is gone.
pub(super) trait Rows<'a>: IntoIterator<Item = (&'a Key, &'a Option<Vec<u8>>)> {}

impl<'a, T: IntoIterator<Item = (&'a Key, &'a Option<Vec<u8>>)>> Rows<'a> for T {}

/// The sled database.
pub(super) struct Index {
    db: sled::Db,
    rows: sled::Tree,
    pieces: sled::Tree,
    dir: PathBuf,
    /// Bytes of its file when it had just been written anew; 0 if it never was.
    bytes_when_new: u64,
    is_sealed: Mutex<bool>,
    /// How long sled may write before someone looks whether it waits for ever; see [`Index::watched`].
    watch: Duration,
    /// Last of the fields: it goes when the files are closed.
    gone: Mutex<Option<Sender<Infallible>>>,
}

impl Index {
    /// Opens the index in a folder, or makes an empty one. Fails if the files are not what the last checkpoint sealed.
    pub(super) fn open(dir: &Path, cache_bytes: u64, watch: Duration) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { action: "seal", path: dir.to_path_buf(), source };
        files::create_folder(dir).and_then(|()| files::sweep_unfinished(dir)).map_err(io)?;
        let check = seal::check(dir).map_err(io)?;
        if let Check::Broken(Broken { path, byte, problem }) = check {
            return Err(StoreError::BrokenIndex { path, byte, problem: problem.to_owned() });
        }
        // Opening writes, too.
        seal::open(dir).map_err(io)?;
        let (db, rows, pieces) = open_sled(dir, cache_bytes)?;
        let bytes_when_new = noted_size(dir).unwrap_or(0);
        let (is_sealed, gone) = (Mutex::new(false), Mutex::default());
        let index = Self { db, rows, pieces, dir: dir.to_path_buf(), bytes_when_new, is_sealed, gone, watch };
        // Reading what a process left that died while it wrote may write (see `settle`); the next checkpoint writes the
        // same rows once more.
        if check == Check::Holds {
            index.seal()?;
        }
        Ok(index)
    }

    /// Whether nothing writes to its files until the next checkpoint.
    pub(super) fn is_sealed(&self) -> bool {
        *self.is_sealed.lock()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn bytes_when_new(&self) -> u64 {
        self.bytes_when_new
    }

    /// Ends when nobody uses it any more and its files are closed.
    pub(super) fn when_gone(&self) -> Receiver<Infallible> {
        let (sender, receiver) = channel();
        *self.gone.lock() = Some(sender);
        receiver
    }

    /// Bytes of sled's file.
    pub(super) fn file_bytes(&self) -> Result<u64, StoreError> {
        Ok(fs::metadata(self.dir.join("db")).map_err(self.failed("inspect"))?.len())
    }

    /// Notes that it is whole and how large it is; durable on return. Nothing else may be written meanwhile.
    pub(super) fn note_size(&mut self) -> Result<(), StoreError> {
        let bytes = self.file_bytes()?;
        files::replace(&self.dir.join(NOTE), |file| file.write_all(bytes.to_string().as_bytes()))
            .map_err(self.failed("note the size of"))?;
        self.bytes_when_new = bytes;
        self.seal()
    }

    /// Whether the index in a folder was noted to be whole.
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

    /// Writes rows, then `last` in a batch of its own, then makes all of it durable.
    pub(super) fn checkpoint<'a>(&self, rows: impl Rows<'a>, last: (Key, Vec<u8>)) -> Result<(), StoreError> {
        self.write(rows)?;
        self.watched(|| self.sync())?;
        // In one piece whatever its size: it must change at once.
        let row = pieces::inline(&last.1);
        self.watched(|| {
            self.rows.insert(&last.0, row)?;
            write::settle(&self.rows, &[last.0])
        })?;
        self.seal()
    }

    /// Writes rows, without making it durable. The seal is open until the next checkpoint.
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

    /// Does what makes sled write. If the disk fails while sled waits for a write of another thread, nobody wakes it: a
    /// checkpoint on a full disk would never end, and the host with it. Whoever asks for a flush later sees the failure
    /// and wakes everyone, so that is done now and then for as long as the work goes on.
    fn watched<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (at_work, ended) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while ended.recv_timeout(self.watch) == Err(RecvTimeoutError::Timeout) {
                    // On a thread of its own: it may have to wait as well, and then be woken by the next.
                    scope.spawn(move || self.db.flush().map(drop));
                }
            });
            let done = work();
            drop(at_work);
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

    /// The value of a row of sled.
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

/// sled answers some damage with a panic; that is an index that does not open like any other.
fn open_sled(dir: &Path, cache_bytes: u64) -> Result<(sled::Db, sled::Tree, sled::Tree), StoreError> {
    let open = || {
        let db = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            // The checkpoint flushes and syncs; a timer would only make work.
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
