//! Stores values as rows of sled: small ones directly, large ones cut into pieces, because sled never syncs the data
//! that it moves to blob files. Makes nothing durable.

use super::Index;
use super::write::settle;
use crate::StoreError;
use crate::keys::{Key, table};

/// Largest value in one row.
const INLINE_BYTES_MAX: usize = 3 << 10;
const INLINE: u8 = 0;
const PIECES: u8 = 1;

/// A value that needs no pieces.
pub(super) fn inline(value: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(value.len() + 1);
    row.push(INLINE);
    row.extend_from_slice(value);
    row
}

impl Index {
    /// Encodes a value as a row. A large value is first written as pieces, under a version that differs from the `old`
    /// row's.
    pub(super) fn cut(&self, key: &[u8], old: Option<u32>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        if value.len() <= INLINE_BYTES_MAX {
            return Ok(inline(value));
        }
        let version = old.map_or(0, |old| old.wrapping_add(1));
        let prefix = piece_prefix(key, version);
        // A process that died before it wrote the row may have left pieces.
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
        let mut row = vec![PIECES];
        row.extend_from_slice(&version.to_be_bytes());
        row.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        Ok(row)
    }

    /// Reads a value from its row and its pieces. None if the row was deleted in the meantime.
    pub(super) fn whole(&self, key: &[u8], mut row: sled::IVec) -> Result<Option<sled::IVec>, StoreError> {
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
            // A checkpoint may have rewritten the row in the meantime, and dropped these pieces.
            match self.rows.get(key)? {
                Some(now) if now == row => return Err(StoreError::MissingPieces),
                Some(now) => row = now,
                None => return Ok(None),
            }
        }
    }

    /// The version of the pieces of an existing row.
    pub(super) fn version(&self, key: &[u8]) -> Result<Option<u32>, StoreError> {
        if !may_be_large(key) {
            return Ok(None);
        }
        self.rows.get(key)?.map_or(Ok(None), |row| version_of(&row))
    }

    pub(super) fn drop_pieces(&self, prefix: &[u8]) -> Result<(), StoreError> {
        for piece in self.pieces.scan_prefix(prefix) {
            let key = piece?.0;
            self.pieces.remove(&key)?;
            settle(&self.pieces, &[key])?;
        }
        Ok(())
    }
}

/// Rows of some tables always stay far below the limit, so they skip the look-up.
fn may_be_large(key: &[u8]) -> bool {
    !matches!(
        key.first(),
        Some(
            &(table::UNDO_SINCE
                | table::HELD
                | table::OUTBOX_DUE
                | table::TICK
                | table::TIMER_DUE
                | table::UNDO_SIZE
                | table::WAITING)
        )
    )
}

/// Whether this value needs no pieces and replaces none: an undo row is written once, and then only removed.
pub(super) fn has_no_older(key: &[u8], value: Option<&[u8]>) -> bool {
    key.first() == Some(&table::UNDO) && value.is_some_and(|value| value.len() <= INLINE_BYTES_MAX)
}

/// The version of a row's pieces. None for a value in one row.
pub(super) fn version_of(row: &[u8]) -> Result<Option<u32>, StoreError> {
    match row.split_first() {
        Some((&INLINE, _)) => Ok(None),
        Some((&PIECES, rest)) => {
            rest.first_chunk::<4>().map(|bytes| Some(u32::from_be_bytes(*bytes))).ok_or(StoreError::MissingPieces)
        }
        _ => Err(StoreError::MissingPieces),
    }
}

/// The key's length comes first, so that the pieces of different keys never mix.
pub(super) fn piece_prefix(key: &[u8], version: u32) -> Key {
    let mut prefix = Key::from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
    prefix.extend_from_slice(key);
    prefix.extend_from_slice(&version.to_be_bytes());
    prefix
}
