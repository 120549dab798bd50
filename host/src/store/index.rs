//! sled, and only here: point reads, ordered reads, and checkpoints.
//!
//! Its own flush is no durability (it ends in `sync_file_range`), so after a checkpoint the file itself is synced.
//! Values over [`INLINE_BYTES_MAX`] are cut into pieces, because sled never syncs what it moves to blob files.

use std::fs::File;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::buffer::Layer;
use super::keys::{Key, table};

/// Largest value in one row.
const INLINE_BYTES_MAX: usize = 3 << 10;
/// Rows written in one sled batch: bounds its memory.
const BATCH_ROWS: usize = 2_000;
const INLINE: u8 = 0;
const PIECES: u8 = 1;

/// The sled database.
pub(super) struct Index {
    db: sled::Db,
    rows: sled::Tree,
    pieces: sled::Tree,
    dir: PathBuf,
}

impl Index {
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let db = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            // The checkpoint flushes and syncs; a timer would only make work.
            .flush_every_ms(None)
            .open()?;
        let (rows, pieces) = (db.open_tree("rows")?, db.open_tree("pieces")?);
        Ok(Self { db, rows, pieces, dir: dir.to_path_buf() })
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.rows.get(key)? {
            Some(row) => self.whole(key, row),
            None => Ok(None),
        }
    }

    /// Up to `take` rows from `start` on that begin with `prefix`; the last key if more may follow.
    pub(super) fn range(
        &self,
        prefix: &[u8],
        start: &Bound<Key>,
        take: usize,
    ) -> Result<(Layer, Option<Key>), StoreError> {
        let mut found = Layer::new();
        for (count, row) in (1..).zip(self.rows.range((start.clone(), Bound::Unbounded))) {
            let (key, row) = row?;
            if !key.starts_with(prefix) {
                break;
            }
            if let Some(value) = self.whole(&key, row)? {
                found.insert(key.to_vec(), Some(value));
            }
            if count == take {
                return Ok((found, Some(key.to_vec())));
            }
        }
        Ok((found, None))
    }

    /// Writes a layer, then `last` in a batch of its own, then makes all of it durable.
    pub(super) fn checkpoint(&self, layer: &Layer, last: (Key, Vec<u8>)) -> Result<(), StoreError> {
        self.write(layer)?;
        self.sync()?;
        // In one piece whatever its size: it must change at once.
        let mut row = vec![INLINE];
        row.extend_from_slice(&last.1);
        self.rows.insert(last.0, row)?;
        self.sync()
    }

    /// Calls `visit` with every row, ascending.
    pub(super) fn each(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        for row in &self.rows {
            let (key, row) = row?;
            if let Some(value) = self.whole(&key, row)? {
                visit(&key, &value)?;
            }
        }
        Ok(())
    }

    /// Writes a layer, without making it durable.
    pub(super) fn write(&self, layer: &Layer) -> Result<(), StoreError> {
        let (mut rows, mut stale) = (sled::Batch::default(), Vec::new());
        for (count, (key, value)) in (1..).zip(layer) {
            let old = self.version(key)?;
            match value {
                Some(value) => rows.insert(key.as_slice(), self.row(key, old, value)?),
                None => rows.remove(key.as_slice()),
            }
            stale.extend(old.map(|version| piece_prefix(key, version)));
            if count % BATCH_ROWS == 0 {
                self.put(std::mem::take(&mut rows), std::mem::take(&mut stale))?;
            }
        }
        self.put(rows, stale)
    }

    /// Old pieces go only after the rows that named them: a reader, and a start after a kill, find every row whole.
    fn put(&self, rows: sled::Batch, stale: Vec<Key>) -> Result<(), StoreError> {
        self.rows.apply_batch(rows)?;
        stale.iter().try_for_each(|prefix| self.drop_pieces(prefix))
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

    /// A value as a row; a large one goes into pieces first, under a version other than the `old` row's.
    fn row(&self, key: &[u8], old: Option<u32>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
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
        let mut batch = sled::Batch::default();
        for (number, piece) in (0_u32..).zip(value.chunks(INLINE_BYTES_MAX)) {
            let mut place = prefix.clone();
            place.extend_from_slice(&number.to_be_bytes());
            batch.insert(place, piece);
        }
        self.pieces.apply_batch(batch)?;
        row.push(PIECES);
        row.extend_from_slice(&version.to_be_bytes());
        row.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        Ok(row)
    }

    /// The value of a row. None if the row went away meanwhile.
    fn whole(&self, key: &[u8], mut row: sled::IVec) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            let Some(version) = version_of(&row)? else {
                return Ok(row.get(1..).map(<[u8]>::to_vec));
            };
            let mut value = Vec::new();
            for piece in self.pieces.scan_prefix(piece_prefix(key, version)) {
                value.extend_from_slice(&piece?.1);
            }
            let expected = row.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
            if u64::try_from(value.len()).ok() == expected {
                return Ok(Some(value));
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
            self.pieces.remove(piece?.0)?;
        }
        Ok(())
    }
}

/// Rows of some tables always stay far below the bound, and a look-up for each would cost.
fn may_be_large(key: &[u8]) -> bool {
    use table::{DEDUPE, EVENT, HEAD, OUTBOX_DUE, OUTBOX_KEY, QUEUE, RECORDING, TICK, TIMER_DUE, WAITING};
    !matches!(
        key.first(),
        Some(&(DEDUPE | EVENT | HEAD | OUTBOX_DUE | OUTBOX_KEY | QUEUE | RECORDING | TICK | TIMER_DUE | WAITING))
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
