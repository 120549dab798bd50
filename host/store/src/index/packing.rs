//! Packing: neighbouring rows of the large tables share one row of sled, because sled's cost is per row (8 to 16 µs and
//! tens of bytes), not per byte. It is invisible outside the index: keys, order and single rows stay the same.
//!
//! A block's key is the smallest key that may be in the block, cut after its last distinguishing byte. Its value is the
//! length of all suffixes (1 byte), then for each row, ascending: suffix, length of the value (1 byte, or 255 and 4
//! bytes, little-endian), value. Sequential numbers share a block by their upper bits, digests by their first bytes.

use crate::keys::{Key, table};

/// The location of a key in packed tables: the bytes that all keys of its block share, and its own suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    shared: &'a [u8],
    /// The upper bits of the suffix's first byte, which all keys of the block share too.
    bits: u8,
    pub(super) suffix: &'a [u8],
}

impl Place<'_> {
    /// The key of the block.
    pub(super) fn block(&self) -> Key {
        let mut key = Key::from_slice(self.shared);
        key.push(self.bits);
        key
    }

    pub(super) fn is_beside(&self, other: &Place<'_>) -> bool {
        self.shared == other.shared && self.bits == other.bits
    }
}

/// The location of a key in a packed table. None for other keys, which have their own rows.
pub(super) fn place(key: &[u8]) -> Option<Place<'_>> {
    let (at, mask) = rule(key)?;
    let (shared, suffix) = key.split_at_checked(at)?;
    let first = suffix.first()?;
    Some(Place { shared, bits: first & mask, suffix })
}

/// How many bytes the keys of a block share, and which bits of the next byte.
fn rule(key: &[u8]) -> Option<(usize, u8)> {
    /// 64 sequential numbers.
    const SIXTY_FOUR: u8 = 0xC0;
    /// 16 sequential numbers, each with several rows.
    const SIXTEEN: u8 = 0xF0;
    /// No bits of the next byte: two bytes limit the number of blocks.
    const ALL: u8 = 0;
    match *key.first()? {
        table::EVENT => Some((8, SIXTY_FOUR)),
        table::RECORDING => Some((8, SIXTEEN)),
        table::HEAD => Some((12, SIXTY_FOUR)),
        // Queues of partition keys are digests; queues of single events are sequential numbers.
        table::QUEUE if key.get(5)? & 0x80 != 0 => Some((7, ALL)),
        table::QUEUE => Some((12, SIXTY_FOUR)),
        table::DEDUPE => Some((3, ALL)),
        table::OUTBOX_KEY => Some((7, ALL)),
        _ => None,
    }
}

/// The block that holds all keys with this prefix, if they are in a packed table and the prefix names the whole block.
pub(super) fn only_block(prefix: &[u8]) -> Option<Key> {
    place(prefix).map(|place| place.block())
}

/// The first block that may hold keys from `start` on. For a key without a block: the key itself.
pub(super) fn first_block(start: &[u8]) -> Key {
    place(start).map_or_else(|| Key::from_slice(start), |place| place.block())
}

/// The prefix of all keys in a block; None if the row is not a block.
pub(super) fn shared_part(row_key: &[u8]) -> Option<&[u8]> {
    place(row_key).map(|place| place.shared)
}

/// A block that does not decode.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The rows of a block, ascending: suffix and value.
pub(super) struct Rows<'a> {
    suffix_bytes: usize,
    rest: &'a [u8],
}

impl<'a> Rows<'a> {
    pub(super) fn of(block: &'a [u8]) -> Result<Self, Malformed> {
        let (suffix_bytes, rest) = block.split_first().ok_or(Malformed)?;
        if *suffix_bytes == 0 { Err(Malformed) } else { Ok(Self { suffix_bytes: usize::from(*suffix_bytes), rest }) }
    }

    fn row(&mut self) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let (suffix, rest) = self.rest.split_at_checked(self.suffix_bytes).ok_or(Malformed)?;
        let (short, rest) = rest.split_first().ok_or(Malformed)?;
        let (length, rest) = if *short == u8::MAX {
            let (long, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
            (usize::try_from(u32::from_le_bytes(*long)).map_err(|_| Malformed)?, rest)
        } else {
            (usize::from(*short), rest)
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok((suffix, value))
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let row = self.row();
        if row.is_err() {
            self.rest = &[];
        }
        Some(row)
    }
}

/// The value of a suffix.
pub(super) fn find<'a>(block: &'a [u8], suffix: &[u8]) -> Result<Option<&'a [u8]>, Malformed> {
    for row in Rows::of(block)? {
        let (found, value) = row?;
        if found >= suffix {
            return Ok((found == suffix).then_some(value));
        }
    }
    Ok(None)
}

/// A change of one row: its suffix, and its new value or none.
pub(super) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Applies changes to a block. They are ascending by suffix and name each suffix once. None if the block becomes empty.
pub(super) fn merge(old: Option<&[u8]>, changes: &[Change<'_>]) -> Result<Option<Vec<u8>>, Malformed> {
    let suffix_bytes = changes.first().map_or(0, |(suffix, _)| suffix.len());
    let mut block = Vec::with_capacity(old.map_or(0, <[u8]>::len) + changes.len() * (suffix_bytes + 16) + 1);
    block.push(u8::try_from(suffix_bytes).map_err(|_| Malformed)?);
    let mut changes = changes.iter().copied().peekable();
    if let Some(old) = old {
        let rows = Rows::of(old)?;
        if rows.suffix_bytes != suffix_bytes {
            return Err(Malformed);
        }
        for row in rows {
            let (suffix, value) = row?;
            while let Some((changed, new)) = changes.next_if(|(changed, _)| *changed < suffix) {
                put(&mut block, changed, new)?;
            }
            match changes.next_if(|(changed, _)| *changed == suffix) {
                Some((_, new)) => put(&mut block, suffix, new)?,
                None => put(&mut block, suffix, Some(value))?,
            }
        }
    }
    for (changed, new) in changes {
        put(&mut block, changed, new)?;
    }
    Ok((block.len() > 1).then_some(block))
}

fn put(block: &mut Vec<u8>, suffix: &[u8], value: Option<&[u8]>) -> Result<(), Malformed> {
    let Some(value) = value else { return Ok(()) };
    block.extend_from_slice(suffix);
    match u8::try_from(value.len()) {
        Ok(short) if short < u8::MAX => block.push(short),
        _ => {
            block.push(u8::MAX);
            block.extend_from_slice(&u32::try_from(value.len()).map_err(|_| Malformed)?.to_le_bytes());
        }
    }
    block.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::keys;
    use crate::keys::QueueKey;
    use handoff_model::names::{InstallationId, Position};

    fn contents(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        Rows::of(block).unwrap().map(|row| row.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn the_order_of_blocks_is_the_order_of_their_keys() {
        let id = InstallationId;
        let mut all: Vec<Key> = Vec::new();
        for number in [0, 1, 63, 64, 65, 127, 128, 255, 256, 65_535, 1 << 40] {
            let position = Position(number);
            all.push(keys::event(position));
            all.push(keys::recording(position, id(3), 1));
            all.push(keys::recording(position, id(3), keys::SETTLED));
            for installation in [1, 2, 256] {
                all.push(keys::head(id(installation), position));
                all.push(keys::queue(id(installation), QueueKey::of_position(position), position));
                all.push(keys::queue(id(installation), QueueKey::of_partition_key(&number.to_string()), position));
                all.push(keys::outbox_key(id(installation), &number.to_string()));
            }
            all.push(keys::dedupe(&keys::digest16(&[&number.to_be_bytes()])));
        }
        all.sort();
        let blocks: Vec<Key> = all.iter().map(|key| place(key).unwrap().block()).collect();
        assert!(blocks.is_sorted());
        for (key, block) in all.iter().zip(&blocks) {
            let place = place(key).unwrap();
            assert!(block <= key && shared_part(block) == Some(place.shared));
            assert_eq!([place.shared, place.suffix].concat(), key.as_slice());
            assert_eq!(only_block(key).as_ref(), Some(block));
            assert_eq!(&first_block(key), block);
        }
    }

    #[test]
    fn changes_replace_add_and_remove_rows_in_order() {
        let long = vec![7; 300];
        let first = merge(None, &[(b"b", Some(b"1")), (b"d", Some(&long)), (b"f", None)]).unwrap().unwrap();
        assert_eq!(contents(&first), [(b"b".to_vec(), b"1".to_vec()), (b"d".to_vec(), long.clone())]);
        let changes: [Change<'_>; 4] = [(b"a", Some(b"")), (b"b", None), (b"c", Some(b"3")), (b"e", Some(b"5"))];
        let second = merge(Some(&first), &changes).unwrap().unwrap();
        let found: Vec<_> = contents(&second).into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, [b"a", b"c", b"d", b"e"]);
        assert_eq!(find(&second, b"d").unwrap(), Some(&long[..]));
        assert_eq!((find(&second, b"b").unwrap(), find(&second, b"z").unwrap()), (None, None));
        let none: Vec<Change<'_>> = [b"a", b"c", b"d", b"e"].iter().map(|key| (&key[..], None)).collect();
        assert_eq!(merge(Some(&second), &none).unwrap(), None);
    }

    #[test]
    fn a_block_cut_anywhere_is_malformed_or_holds_fewer_rows() {
        let block = merge(None, &[(b"aa", Some(b"12")), (b"bb", Some(&[9; 260]))]).unwrap().unwrap();
        let starts = [1, 6];
        for cut in 0..block.len() {
            let rows: Result<Vec<_>, _> = Rows::of(&block[..cut]).and_then(Iterator::collect);
            assert_eq!(rows.is_ok(), starts.contains(&cut), "cut at {cut}");
        }
    }
}
