//! sled, and only here: point reads, ordered reads, and checkpoints, between which the files are sealed.
//!
//! Its own flush is no durability (it ends in `sync_file_range`), so after a checkpoint the file itself is synced.
//! Values over [`INLINE_BYTES_MAX`] are cut into pieces, because sled never syncs what it moves to blob files. Small rows
//! share a row of sled (see `packing`).

mod packing;

mod seal;

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;

#[cfg(test)]
pub(super) use seal::{forget_boot, open as open_seal};

use seal::{Broken, Check};

use super::buffer::Layer;
use super::keys::{Key, table};
use super::{StoreError, files};

/// Largest value in one row.
const INLINE_BYTES_MAX: usize = 3 << 10;
/// Rows written in one sled batch: bounds its memory.
const BATCH_ROWS: usize = 100;
/// Names the layout of rows: an index of another layout counts as empty and is made again.
const TREE: &str = "packed";
/// File with the size that the index had when it was written anew.
const NOTE: &str = "size-when-new";
/// How long sled may write before someone looks whether it waits for ever; see [`Index::watched`].
const LOOK_AFTER: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 1_000 });
const INLINE: u8 = 0;
const PIECES: u8 = 1;

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
    /// Last of the fields: it goes when the files are closed.
    gone: Mutex<Option<Sender<Infallible>>>,
}

impl Index {
    /// Opens the index in a folder, or makes an empty one. Fails if the files are not what the last checkpoint sealed.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
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
        let index = Self { db, rows, pieces, dir: dir.to_path_buf(), bytes_when_new, is_sealed, gone };
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

    /// Up to `take` rows from `start` on that begin with `prefix`; the last key if more may follow.
    pub(super) fn range(
        &self,
        prefix: &[u8],
        start: &Bound<Key>,
        take: usize,
    ) -> Result<(Layer, Option<Key>), StoreError> {
        let mut wanted = Wanted { prefix, start, take, found: Layer::new(), last: None };
        if let Some(block) = packing::only_block(prefix) {
            if let Some(row) = self.row(&block)? {
                wanted.add(&block, &row)?;
            }
            return Ok((wanted.found, wanted.last));
        }
        let from = match start {
            Bound::Included(key) | Bound::Excluded(key) => packing::first_block(key),
            Bound::Unbounded => Key::new(),
        };
        for row in self.rows.range(from..) {
            let (key, row) = row?;
            let Some(row) = self.whole(&key, row)? else { continue };
            if !wanted.add(&key, &row)? {
                break;
            }
        }
        Ok((wanted.found, wanted.last))
    }

    /// Writes rows, then `last` in a batch of its own, then makes all of it durable.
    pub(super) fn checkpoint<'a>(&self, rows: impl Rows<'a>, last: (Key, Vec<u8>)) -> Result<(), StoreError> {
        self.write(rows)?;
        self.watched(|| self.sync())?;
        // In one piece whatever its size: it must change at once.
        let mut row = vec![INLINE];
        row.extend_from_slice(&last.1);
        self.watched(|| {
            self.rows.insert(&last.0, row)?;
            settle(&self.rows, &[last.0])
        })?;
        self.seal()
    }

    /// Calls `visit` with every row, ascending.
    pub(super) fn each(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        for row in &self.rows {
            let (key, row) = row?;
            if let Some(row) = self.whole(&key, row)? {
                unpack(&key, &row, |key, value| visit(key, value).map(|()| true))?;
            }
        }
        Ok(())
    }

    /// Writes rows, without making it durable. The seal is open until the next checkpoint.
    pub(super) fn write<'a>(&self, rows: impl Rows<'a>) -> Result<(), StoreError> {
        self.unseal()?;
        self.watched(|| self.write_rows(rows))
    }

    fn write_rows<'a>(&self, rows: impl Rows<'a>) -> Result<(), StoreError> {
        let (mut batch, mut count) = (Staged::default(), 0);
        let mut rows = rows.into_iter().peekable();
        while let Some((key, value)) = rows.next() {
            if let Some(place) = packing::place(key) {
                let mut changes = vec![(place.suffix, value.as_deref())];
                while let Some((next, value)) = rows.peek()
                    && let Some(next) = packing::place(next).filter(|next| next.is_beside(&place))
                {
                    changes.push((next.suffix, value.as_deref()));
                    rows.next();
                }
                self.stage_block(&mut batch, place.block(), &changes)?;
            } else {
                let old = self.version(key)?;
                self.stage(&mut batch, key, old, value.as_deref())?;
            }
            count += 1;
            if count % BATCH_ROWS == 0 {
                self.put(std::mem::take(&mut batch))?;
            }
        }
        self.put(batch)
    }

    fn stage_block(&self, batch: &mut Staged, key: Key, changes: &[packing::Change<'_>]) -> Result<(), StoreError> {
        let old = self.rows.get(&key)?;
        let version = old.as_deref().map_or(Ok(None), version_of)?;
        let old = old.map_or(Ok(None), |row| self.whole(&key, row))?;
        let new = packing::merge(old.as_deref(), changes).map_err(malformed)?;
        self.stage(batch, &key, version, new.as_deref())
    }

    fn stage(&self, batch: &mut Staged, key: &[u8], old: Option<u32>, value: Option<&[u8]>) -> Result<(), StoreError> {
        match value {
            Some(value) => batch.rows.insert(key, self.cut(key, old, value)?),
            None => batch.rows.remove(key),
        }
        batch.touched.push(key.to_vec());
        batch.stale.extend(old.map(|version| piece_prefix(key, version)));
        Ok(())
    }

    /// Old pieces go only after the rows that named them: a reader, and a start after a kill, find every row whole.
    fn put(&self, staged: Staged) -> Result<(), StoreError> {
        self.rows.apply_batch(staged.rows)?;
        settle(&self.rows, &staged.touched)?;
        staged.stale.iter().try_for_each(|prefix| self.drop_pieces(prefix))
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
                while ended.recv_timeout(LOOK_AFTER) == Err(RecvTimeoutError::Timeout) {
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

    /// A value as a row; a large one goes into pieces first, under a version other than the `old` row's.
    fn cut(&self, key: &[u8], old: Option<u32>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut row = Vec::with_capacity(value.len().min(INLINE_BYTES_MAX) + 1);
        if value.len() <= INLINE_BYTES_MAX {
            row.push(INLINE);
            row.extend_from_slice(value);
            return Ok(row);
        }
        let version = old.map_or(0, |old| old.wrapping_add(1));
        let prefix = piece_prefix(key, version);
        // A process that died before it wrote the row may have left some.
        self.drop_pieces(&prefix)?;
        let (mut batch, mut touched) = (sled::Batch::default(), Vec::new());
        for (number, piece) in (0_u32..).zip(value.chunks(INLINE_BYTES_MAX)) {
            let mut place = prefix.clone();
            place.extend_from_slice(&number.to_be_bytes());
            batch.insert(place.as_slice(), piece);
            touched.push(place);
        }
        self.pieces.apply_batch(batch)?;
        settle(&self.pieces, &touched)?;
        row.push(PIECES);
        row.extend_from_slice(&version.to_be_bytes());
        row.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        Ok(row)
    }

    /// The value of a row of sled.
    fn row(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.rows.get(key)?.map_or(Ok(None), |row| self.whole(key, row))
    }

    /// A value from its row and its pieces. None if the row went away meanwhile.
    fn whole(&self, key: &[u8], mut row: sled::IVec) -> Result<Option<sled::IVec>, StoreError> {
        loop {
            let Some(version) = version_of(&row)? else {
                return Ok(Some(row.subslice(1, row.len() - 1)));
            };
            let mut value = Vec::new();
            for piece in self.pieces.scan_prefix(piece_prefix(key, version)) {
                value.extend_from_slice(&piece?.1);
            }
            let expected = row.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
            if u64::try_from(value.len()).ok() == expected {
                return Ok(Some(value.into()));
            }
            // A checkpoint may have written the row anew since it was read, and dropped these pieces.
            match self.rows.get(key)? {
                Some(now) if now == row => return Err(StoreError::MissingPieces),
                Some(now) => row = now,
                None => return Ok(None),
            }
        }
    }

    /// The version of the pieces that a row in the index is cut into.
    fn version(&self, key: &[u8]) -> Result<Option<u32>, StoreError> {
        if !may_be_large(key) {
            return Ok(None);
        }
        self.rows.get(key)?.map_or(Ok(None), |row| version_of(&row))
    }

    fn drop_pieces(&self, prefix: &[u8]) -> Result<(), StoreError> {
        for piece in self.pieces.scan_prefix(prefix) {
            let key = piece?.0;
            self.pieces.remove(&key)?;
            settle(&self.pieces, &[key])?;
        }
        Ok(())
    }
}

/// What goes to sled together, and the pieces that are then not needed any more.
#[derive(Default)]
struct Staged {
    rows: sled::Batch,
    touched: Vec<Key>,
    stale: Vec<Key>,
}

/// What a range is looked through for, and what was found.
struct Wanted<'a> {
    prefix: &'a [u8],
    start: &'a Bound<Key>,
    take: usize,
    found: Layer,
    last: Option<Key>,
}

impl Wanted<'_> {
    /// Adds what is wanted of a row of sled. False once no later row can be wanted.
    fn add(&mut self, row_key: &[u8], row: &[u8]) -> Result<bool, StoreError> {
        unpack(row_key, row, |key, value| {
            let is_before = match self.start {
                Bound::Included(start) => key < start.as_slice(),
                Bound::Excluded(start) => key <= start.as_slice(),
                Bound::Unbounded => false,
            };
            if is_before || (key < self.prefix) {
                return Ok(true);
            }
            if !key.starts_with(self.prefix) {
                return Ok(false);
            }
            self.found.insert(key.to_vec(), Some(value.to_vec()));
            if self.found.len() < self.take {
                return Ok(true);
            }
            self.last = Some(key.to_vec());
            Ok(false)
        })
    }
}

/// Calls `visit` with each row that a row of sled holds, until it answers false.
fn unpack(
    row_key: &[u8],
    row: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let Some(shared) = packing::shared_part(row_key) else { return visit(row_key, row) };
    let mut key = shared.to_vec();
    for found in packing::Rows::of(row).map_err(malformed)? {
        let (suffix, value) = found.map_err(malformed)?;
        key.truncate(shared.len());
        key.extend_from_slice(suffix);
        if !visit(&key, value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn malformed(_: packing::Malformed) -> StoreError {
    StoreError::MalformedBlock
}

fn noted_size(dir: &Path) -> Option<u64> {
    fs::read_to_string(dir.join(NOTE)).ok()?.parse().ok()
}

/// Lets sled finish what writing these keys began: it splits a page that became too large, and joins one that became too
/// small, when someone next comes by, be it to read. A reader of sealed files must find nothing to do.
fn settle(tree: &sled::Tree, keys: &[impl AsRef<[u8]>]) -> Result<(), StoreError> {
    keys.iter().try_for_each(|key| Ok(tree.contains_key(key).map(drop)?))
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

/// Rows of some tables always stay far below the bound, and a look-up for each would cost.
fn may_be_large(key: &[u8]) -> bool {
    !matches!(
        key.first(),
        Some(
            &(table::EPOCH
                | table::HELD
                | table::OUTBOX_DUE
                | table::TICK
                | table::TIMER_DUE
                | table::UNDO_END
                | table::WAITING)
        )
    )
}

/// None for a value in one row.
fn version_of(row: &[u8]) -> Result<Option<u32>, StoreError> {
    match row.split_first() {
        Some((&INLINE, _)) => Ok(None),
        Some((&PIECES, rest)) => {
            rest.first_chunk::<4>().map(|bytes| Some(u32::from_be_bytes(*bytes))).ok_or(StoreError::MissingPieces)
        }
        _ => Err(StoreError::MissingPieces),
    }
}

/// The key's length goes first, so that no key's pieces are among another's.
fn piece_prefix(key: &[u8], version: u32) -> Key {
    let mut prefix = u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    prefix.extend_from_slice(key);
    prefix.extend_from_slice(&version.to_be_bytes());
    prefix
}
