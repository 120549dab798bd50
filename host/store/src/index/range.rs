//! Reads rows in order: from a key on, or all of them. Writes nothing, and knows nothing of checkpoints.

use std::ops::Bound;

use super::{Index, malformed, packing};
use crate::StoreError;
use crate::buffer::Layer;
use crate::keys::Key;

impl Index {
    /// Up to `take` rows from `start` on with `prefix`; also the last key if more may follow.
    pub(crate) fn range(
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

    /// Calls `visit` with every row, ascending.
    pub(crate) fn each(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        for row in &self.rows {
            let (key, row) = row?;
            if let Some(row) = self.whole(&key, row)? {
                unpack(&key, &row, |key, value| visit(key, value).map(|()| true))?;
            }
        }
        Ok(())
    }
}

/// The conditions of a range read, and the rows found.
struct Wanted<'a> {
    prefix: &'a [u8],
    start: &'a Bound<Key>,
    take: usize,
    found: Layer,
    last: Option<Key>,
}

impl Wanted<'_> {
    /// Adds the wanted rows from a row of sled. False if no later row can match.
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
            self.found.insert(Key::from_slice(key), Some(value.to_vec()));
            if self.found.len() < self.take {
                return Ok(true);
            }
            self.last = Some(Key::from_slice(key));
            Ok(false)
        })
    }
}

/// Calls `visit` with each row in a row of sled, until it returns false.
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
