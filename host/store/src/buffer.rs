//! The write buffer over sled: reads look here first. Also merges the layers into one ordered view.
//!
//! There are three layers: `active` takes writes, `frozen` is being checkpointed, and sled is the lowest. A row that is
//! written and deleted within `active` disappears and never reaches sled.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use super::StoreError;
use super::apply::Sink;
use super::index::Index;
use super::keys::Key;

/// What a layer holds for a key: its value, or none if it was deleted.
pub(super) type Layer = BTreeMap<Key, Option<Vec<u8>>>;

/// A layer that was frozen for a checkpoint. It is not converted, so that nothing waits for a conversion.
pub(super) struct Frozen(BTreeMap<Key, Slot>);

impl Frozen {
    /// The rows, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Vec<u8>>)> {
        self.0.iter().map(|(key, slot)| (key, &slot.value))
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The layer that takes writes.
#[derive(Default)]
pub(super) struct Active {
    rows: BTreeMap<Key, Slot>,
    /// Approximate bytes of keys and values.
    bytes: usize,
    /// During replay, sled may hold later rows: no row counts as new.
    replaying: bool,
}

struct Slot {
    value: Option<Vec<u8>>,
    /// A lower layer may hold the key, so a deletion must leave a tombstone.
    below: bool,
}

impl Sink for Active {
    fn insert(&mut self, key: Key, value: Vec<u8>) {
        let below = self.replaying;
        self.set(key, Some(value), below);
    }

    fn put(&mut self, key: Key, value: Vec<u8>) {
        self.set(key, Some(value), true);
    }

    fn delete(&mut self, key: Key) {
        match self.rows.get(&key) {
            Some(slot) if !slot.below => {
                let bytes = weight(&key, slot.value.as_deref());
                self.rows.remove(&key);
                self.bytes = self.bytes.saturating_sub(bytes);
            }
            _ => self.set(key, None, true),
        }
    }
}

impl Active {
    fn set(&mut self, key: Key, value: Option<Vec<u8>>, below: bool) {
        self.bytes += weight(&key, value.as_deref());
        match self.rows.entry(key) {
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let old = weight(entry.key(), entry.get().value.as_deref());
                self.bytes = self.bytes.saturating_sub(old);
                entry.get_mut().value = value;
            }
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Slot { value, below });
            }
        }
    }
}

/// The approximate size of a row in the buffer: its bytes and the overhead of the map.
fn weight(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + 64
}

struct Layers {
    active: Active,
    frozen: Option<Arc<Frozen>>,
    index: Arc<Index>,
    /// Counts moves of rows between layers. A reader that overlaps with a move reads again.
    moves: u64,
}

/// The index as all readers see it.
pub(super) struct View {
    layers: RwLock<Layers>,
}

impl View {
    pub(super) fn new(index: Index) -> Self {
        let layers = Layers { active: Active::default(), frozen: None, index: Arc::new(index), moves: 0 };
        Self { layers: RwLock::new(layers) }
    }

    /// The index, for one look-up: a rewritten index may replace it afterwards.
    pub(super) fn index(&self) -> Arc<Index> {
        self.layers.read().index.clone()
    }

    /// Replaces the index with one that has the same rows. Returns the previous index.
    pub(super) fn replace_index(&self, index: Index) -> Arc<Index> {
        let mut layers = self.layers.write();
        layers.moves += 1;
        std::mem::replace(&mut layers.index, Arc::new(index))
    }

    /// Applies writes together: no reader sees a part of them. `replaying` is true during replay of the journal.
    pub(super) fn write(&self, replaying: bool, writes: impl FnOnce(&mut Active)) {
        let mut layers = self.layers.write();
        layers.active.replaying = replaying;
        writes(&mut layers.active);
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let index = {
            let layers = self.layers.read();
            if let Some(slot) = layers.active.rows.get(key) {
                return Ok(slot.value.clone());
            }
            if let Some(slot) = layers.frozen.as_ref().and_then(|frozen| frozen.0.get(key)) {
                return Ok(slot.value.clone());
            }
            layers.index.clone()
        };
        index.get(key)
    }

    /// At most `limit` rows whose keys start with `prefix` and come after the key `after`, ascending.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        let mut start = match after {
            Some(after) if after >= prefix => Bound::Excluded(Key::from_slice(after)),
            _ => Bound::Included(Key::from_slice(prefix)),
        };
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        loop {
            let wanted = limit - found.len();
            let (rows, last) = self.merge(prefix, &start, wanted)?;
            found.extend(rows);
            match last {
                Some(last) if found.len() < limit => start = Bound::Excluded(last),
                _ => return Ok(found),
            }
        }
    }

    /// One round of a scan: some rows, and the key to continue after if there may be more.
    fn merge(&self, prefix: &[u8], start: &Bound<Key>, wanted: usize) -> Result<Merged, StoreError> {
        // Deletions hide rows of lower layers, so each layer may return more rows than requested. The round ends at the
        // smallest key up to which every layer was read.
        let take = wanted.saturating_add(64);
        let (layers, mut merged, mut horizon) = loop {
            let (index, moves) = {
                let layers = self.layers.read();
                (layers.index.clone(), layers.moves)
            };
            let (rows, horizon) = index.range(prefix, start, take)?;
            let layers = self.layers.read();
            if layers.moves == moves {
                break (layers, rows, horizon);
            }
        };
        if let Some(frozen) = &layers.frozen {
            let rows = frozen.0.range((start.clone(), Bound::Unbounded)).map(|(key, slot)| (key, &slot.value));
            overlay(&mut merged, &mut horizon, rows, prefix, take);
        }
        let rows = layers.active.rows.range((start.clone(), Bound::Unbounded)).map(|(key, slot)| (key, &slot.value));
        overlay(&mut merged, &mut horizon, rows, prefix, take);
        drop(layers);
        let mut rows = Vec::new();
        for (key, value) in merged {
            if horizon.as_ref().is_some_and(|horizon| key > *horizon) {
                break;
            }
            if let Some(value) = value {
                rows.push((key, value));
                if rows.len() == wanted {
                    return Ok((rows, None));
                }
            }
        }
        Ok((rows, horizon))
    }

    /// Bytes that wait for a checkpoint.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.layers.read().active.bytes
    }

    /// How often rows have moved between layers. None while a checkpoint is running.
    #[cfg(test)]
    pub(super) fn moves_at_rest(&self) -> Option<u64> {
        let layers = self.layers.read();
        layers.frozen.is_none().then_some(layers.moves)
    }

    /// Freezes the active layer for a checkpoint. None if a checkpoint is running.
    pub(super) fn freeze(&self) -> Option<Arc<Frozen>> {
        let mut layers = self.layers.write();
        if layers.frozen.is_some() {
            return None;
        }
        let active = std::mem::take(&mut layers.active);
        let frozen = Arc::new(Frozen(active.rows));
        layers.frozen = Some(frozen.clone());
        layers.moves += 1;
        Some(frozen)
    }

    /// Drops the frozen layer, which is in sled now.
    pub(super) fn thaw(&self) {
        let mut layers = self.layers.write();
        layers.frozen = None;
        layers.moves += 1;
    }
}

type Merged = (Vec<(Key, Vec<u8>)>, Option<Key>);

/// Overlays up to `take` rows of an upper layer on `merged`, and lowers the horizon to the last key read.
fn overlay<'a>(
    merged: &mut Layer,
    horizon: &mut Option<Key>,
    rows: impl Iterator<Item = (&'a Key, &'a Option<Vec<u8>>)>,
    prefix: &[u8],
    take: usize,
) {
    let mut count = 0;
    for (key, value) in rows.take_while(|(key, _)| key.starts_with(prefix)) {
        if horizon.as_ref().is_some_and(|horizon| key > horizon) {
            return;
        }
        merged.insert(key.clone(), value.clone());
        count += 1;
        if count == take {
            *horizon = Some(key.clone());
            return;
        }
    }
}
