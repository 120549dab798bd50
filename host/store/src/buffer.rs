//! The write buffer over sled: reads look here first. Also merges the layers into one ordered view.
//!
//! Three layers: `active` takes writes, `frozen` is being checkpointed, sled is below. A row that came and went within
//! `active` leaves nothing behind and never touches sled.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use super::StoreError;
use super::apply::Sink;
use super::index::Index;
use super::keys::Key;

/// What a layer knows of a key: its value, or that it is gone.
pub(super) type Layer = BTreeMap<Key, Option<Vec<u8>>>;

/// A layer that was set aside for a checkpoint, as it is: nobody waits until it has another form.
pub(super) struct Frozen(BTreeMap<Key, Slot>);

impl Frozen {
    /// Its rows, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Vec<u8>>)> {
        self.0.iter().map(|(key, slot)| (key, &slot.value))
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The layer that takes writes.
#[derive(Default)]
pub(super) struct Active {
    rows: BTreeMap<Key, Slot>,
    /// Bytes of keys and values, roughly.
    bytes: usize,
    /// While the journal is replayed, sled may hold rows of a later time: no row counts as new.
    replaying: bool,
}

struct Slot {
    value: Option<Vec<u8>>,
    /// A lower layer may hold the key, so a deletion must leave a mark.
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

/// A row's share of the buffer: its bytes and the map's own, roughly.
fn weight(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + 64
}

struct Layers {
    active: Active,
    frozen: Option<Arc<Frozen>>,
    index: Arc<Index>,
    /// Counts moves of rows between layers: a reader that saw one start and not end looks again.
    moves: u64,
}

/// The index as everyone sees it.
pub(super) struct View {
    layers: RwLock<Layers>,
}

impl View {
    pub(super) fn new(index: Index) -> Self {
        let layers = Layers { active: Active::default(), frozen: None, index: Arc::new(index), moves: 0 };
        Self { layers: RwLock::new(layers) }
    }

    /// For the time of a look-up: a rewritten index replaces it.
    pub(super) fn index(&self) -> Arc<Index> {
        self.layers.read().index.clone()
    }

    /// Puts an index with the same rows in place of the one before, which is returned.
    pub(super) fn replace_index(&self, index: Index) -> Arc<Index> {
        let mut layers = self.layers.write();
        layers.moves += 1;
        std::mem::replace(&mut layers.index, Arc::new(index))
    }

    /// Applies writes together: no reader sees a part of them. `replaying` is true while the journal is replayed.
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

    /// At most `limit` rows whose keys start with `prefix`, after the key `after`, ascending.
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

    /// One round of a scan: some rows, and the key to go on after if there may be more.
    fn merge(&self, prefix: &[u8], start: &Bound<Key>, wanted: usize) -> Result<Merged, StoreError> {
        // Deletions hide rows of lower layers, so each layer may give more than is wanted; the round ends at the
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

    /// Bytes waiting for a checkpoint.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.layers.read().active.bytes
    }

    /// True while a checkpoint is under way.
    #[cfg(test)]
    pub(super) fn is_frozen(&self) -> bool {
        self.layers.read().frozen.is_some()
    }

    /// Sets the active layer aside for a checkpoint. None if one is under way.
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

    /// The frozen layer is in sled now.
    pub(super) fn thaw(&self) {
        let mut layers = self.layers.write();
        layers.frozen = None;
        layers.moves += 1;
    }
}

type Merged = (Vec<(Key, Vec<u8>)>, Option<Key>);

/// Puts up to `take` rows of an upper layer over `merged`, and lowers the horizon to what was read.
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
