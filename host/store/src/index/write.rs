//! Writes rows to sled in batches, so that readers have no work to finish. Makes nothing durable.

use super::packing::{self, Change};
use super::pieces::{self, piece_prefix, version_of};
use super::{Index, Rows, malformed};
use crate::StoreError;
use crate::keys::Key;

/// Rows written in one sled batch: bounds its memory.
const BATCH_ROWS: usize = 100;

impl Index {
    pub(super) fn write_rows<'a>(&self, rows: impl Rows<'a>) -> Result<(), StoreError> {
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
                let old = if pieces::has_no_older(key, value.as_deref()) { None } else { self.version(key)? };
                self.stage(&mut batch, key, old, value.as_deref())?;
            }
            count += 1;
            if count % BATCH_ROWS == 0 {
                self.put(std::mem::take(&mut batch))?;
            }
        }
        self.put(batch)
    }

    fn stage_block(&self, batch: &mut Staged, key: Key, changes: &[Change<'_>]) -> Result<(), StoreError> {
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
        batch.touched.push(Key::from_slice(key));
        batch.stale.extend(old.map(|version| piece_prefix(key, version)));
        Ok(())
    }

    /// Old pieces are dropped only after the rows that refer to them: readers, and a start after a kill, find complete
    /// rows.
    fn put(&self, staged: Staged) -> Result<(), StoreError> {
        self.rows.apply_batch(staged.rows)?;
        settle(&self.rows, &staged.touched)?;
        staged.stale.iter().try_for_each(|prefix| self.drop_pieces(prefix))
    }
}

/// Rows for one sled batch, and the pieces that are no longer needed afterwards.
#[derive(Default)]
struct Staged {
    rows: sled::Batch,
    touched: Vec<Key>,
    stale: Vec<Key>,
}

/// Completes the page splits and merges that writing these keys started. sled does them at the next access, even if
/// that is a read. Readers of sealed files must not cause writes.
pub(super) fn settle(tree: &sled::Tree, keys: &[impl AsRef<[u8]>]) -> Result<(), StoreError> {
    keys.iter().try_for_each(|key| Ok(tree.contains_key(key).map(drop)?))
}
