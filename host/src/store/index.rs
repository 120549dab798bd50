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
        self.rows.get(key)?.map(|row| self.whole(key, &row)).transpose()
    }

    /// Up to `take` rows from `start` on that begin with `prefix`; the last key if more may follow.
    pub(super) fn range(
        &self,
        prefix: &[u8],
        start: &Bound<Key>,
        take: usize,
    ) -> Result<(Layer, Option<Key>), StoreError> {
        let mut found = Layer::new();
        for row in self.rows.range((start.clone(), Bound::Unbounded)) {
            let (key, value) = row?;
            if !key.starts_with(prefix) {
                break;
            }
            found.insert(key.to_vec(), Some(self.whole(&key, &value)?));
            if found.len() == take {
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
            let (key, value) = row?;
            visit(&key, &self.whole(&key, &value)?)?;
        }
        Ok(())
    }

    /// Writes a layer, without making it durable.
    pub(super) fn write(&self, layer: &Layer) -> Result<(), StoreError> {
        let mut rows = sled::Batch::default();
        for (count, (key, value)) in (1..).zip(layer) {
            match value {
                Some(value) => {
                    self.drop_pieces(key)?;
                    rows.insert(key.as_slice(), self.row(key, value)?);
                }
                None => {
                    self.drop_pieces(key)?;
                    rows.remove(key.as_slice());
                }
            }
            if count % BATCH_ROWS == 0 {
                self.rows.apply_batch(std::mem::take(&mut rows))?;
            }
        }
        self.rows.apply_batch(rows)?;
        Ok(())
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

    /// A value as a row; a large one goes into pieces first.
    fn row(&self, key: &[u8], value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut row = Vec::with_capacity(value.len().min(INLINE_BYTES_MAX) + 1);
        if value.len() <= INLINE_BYTES_MAX {
            row.push(INLINE);
            row.extend_from_slice(value);
            return Ok(row);
        }
        let mut batch = sled::Batch::default();
        for (number, piece) in (0_u32..).zip(value.chunks(INLINE_BYTES_MAX)) {
            batch.insert(piece_key(key, number), piece);
        }
        self.pieces.apply_batch(batch)?;
        row.push(PIECES);
        row.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        Ok(row)
    }

    fn whole(&self, key: &[u8], row: &[u8]) -> Result<Vec<u8>, StoreError> {
        match row.split_first() {
            Some((&INLINE, value)) => Ok(value.to_vec()),
            Some((&PIECES, length)) => {
                let mut value = Vec::new();
                for piece in self.pieces.scan_prefix(piece_prefix(key)) {
                    value.extend_from_slice(&piece?.1);
                }
                let expected = length.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
                if u64::try_from(value.len()).ok() == expected { Ok(value) } else { Err(StoreError::MissingPieces) }
            }
            _ => Err(StoreError::MissingPieces),
        }
    }

    fn drop_pieces(&self, key: &[u8]) -> Result<(), StoreError> {
        if !matches!(
            key.first(),
            Some(&(table::STATE | table::TIMER | table::INSTALLATION | table::GENERATION | table::METRIC))
        ) {
            return Ok(()); // Rows of other tables stay far below the bound, and a look-up for each would cost.
        }
        let is_in_pieces = self.rows.get(key)?.is_some_and(|row| row.first() == Some(&PIECES));
        if is_in_pieces {
            for piece in self.pieces.scan_prefix(piece_prefix(key)) {
                self.pieces.remove(piece?.0)?;
            }
        }
        Ok(())
    }
}

/// The key's length goes first, so that no key's pieces are among another's.
fn piece_prefix(key: &[u8]) -> Vec<u8> {
    let mut prefix = u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    prefix.extend_from_slice(key);
    prefix
}

fn piece_key(key: &[u8], number: u32) -> Vec<u8> {
    let mut piece = piece_prefix(key);
    piece.extend_from_slice(&number.to_be_bytes());
    piece
}
