//! A filter for duplicate events: tells from memory that an event is new. A "yes" is always correct; otherwise the
//! caller reads the index.
//!
//! Nearly every event is new, and look-ups that find nothing would read the disk more often as the store grows. Digests
//! set bits in a table of fixed size (a Bloom filter), so memory does not grow with them. Digests from before the start
//! are read step by step; until that is finished, the index is always read.

use crate::StoreError;
use crate::buffer::View;
use crate::changes::Frame;
use crate::keys;
use crate::keys::{Key, table};
use crate::options::Steps;

/// Words of bits, 16 MiB. With eight bits for each digest, the false positive rate is one in thirty.
const WORDS: usize = 1 << 21;
/// The number of words that hold all bits of one digest: one cache line of the processor.
const LINE: usize = 8;

/// The approximate set of digests of stored events.
pub(super) struct Repeats {
    words: Vec<u64>,
    digests: u64,
    /// The number of digests at which the filter is rebuilt.
    most: u64,
    reading: Reading,
    steps: Steps,
}

/// How much of the index the bits include.
enum Reading {
    /// Everything up to a key.
    UpTo(Option<Key>),
    Done,
    /// It could not be read.
    Failed,
}

impl Repeats {
    /// Creates an empty filter, which has not read the index yet.
    pub(super) fn unknown(steps: Steps) -> Self {
        Self { words: vec![0; WORDS], digests: 0, most: steps.filter_digests_max, reading: Reading::UpTo(None), steps }
    }

    /// True if no event with this digest is stored. False if there may be one.
    pub(super) fn is_new(&self, digest: &[u8; 16]) -> bool {
        let is_set = |(word, bit): (usize, u64)| self.words.get(word).is_none_or(|word| word & bit != 0);
        matches!(self.reading, Reading::Done) && !bits(digest).all(is_set)
    }

    /// Records the events of a written frame.
    pub(super) fn add(&mut self, frame: &Frame) {
        frame.events().filter_map(|event| event.dedupe.as_ref()).for_each(|digest| self.note(digest));
    }

    fn note(&mut self, digest: &[u8; 16]) {
        for (word, bit) in bits(digest) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
        self.digests += 1;
    }

    /// Reads some more digests from the index. [`Repeats::add`] records digests that are written in the meantime, so no
    /// row is missed.
    pub(super) fn learn(&mut self, view: &View) -> Result<(), StoreError> {
        if matches!(self.reading, Reading::Done) && self.digests > self.most {
            *self = Self::unknown(self.steps);
        }
        let Reading::UpTo(after) = &mut self.reading else { return Ok(()) };
        let after = after.take();
        self.reading = Reading::Failed;
        let mut found = view.scan(&[table::DEDUPE], after.as_deref(), self.steps.learned_rows)?;
        for (key, _) in &found {
            if let Some(digest) = key.last_chunk::<16>() {
                self.note(digest);
            }
        }
        if found.len() < self.steps.learned_rows {
            // With so many stored events, frequent rebuilds would cost more than they save.
            self.most = self.steps.filter_digests_max.max(self.digests.saturating_mul(2));
            self.reading = Reading::Done;
        } else {
            self.reading = Reading::UpTo(found.pop().map(|(key, _)| key));
        }
        Ok(())
    }
}

/// The bits of a digest: its first half selects a line, its second half seven bits in that line.
fn bits(digest: &[u8; 16]) -> impl Iterator<Item = (usize, u64)> {
    let [first, second] = [keys::number_at(digest, 0), keys::number_at(digest, 8)].map(Option::unwrap_or_default);
    let line = usize::try_from(first).unwrap_or(usize::MAX) % (WORDS / LINE) * LINE;
    (0..7).map(move |number| {
        let place = second >> (9 * number);
        (line + usize::try_from(place >> 6 & 7).unwrap_or(0), 1 << (place & 63))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::apply::Sink as _;
    use crate::index::Index;

    fn digest(number: u64) -> [u8; 16] {
        keys::digest16(&[&number.to_be_bytes()])
    }

    fn keep(view: &View, number: u64) {
        view.write(false, |sink| sink.put(keys::dedupe(&digest(number)), vec![1]));
    }

    #[test]
    fn a_stored_event_is_never_reported_as_new() {
        let dir = tempfile::tempdir().expect("a folder");
        let view = View::new(Index::open(dir.path(), 1 << 20, Steps::small().index_watch).expect("opened"));
        (0..30).for_each(|number| keep(&view, number));
        let (mut repeats, mut kept) = (Repeats::unknown(Steps::small()), (0..30).collect::<BTreeSet<u64>>());
        for number in 30..200 {
            repeats.learn(&view).expect("read");
            // Some are before the rows that were read so far, some after them.
            keep(&view, number);
            repeats.note(&digest(number));
            kept.insert(number);
            assert!(!kept.iter().any(|known| repeats.is_new(&digest(*known))), "after {number}");
        }
        while !matches!(repeats.reading, Reading::Done) {
            repeats.learn(&view).expect("read");
        }
        assert!(repeats.most > Steps::small().filter_digests_max, "it was rebuilt on the way");
        let found = (1_000..2_000).filter(|number| repeats.is_new(&digest(*number))).count();
        assert!(found > 990, "{found} of 1000 new ones need no look-up");
    }

    #[test]
    fn what_is_forgotten_leaves_the_bits_when_they_are_rebuilt() {
        let dir = tempfile::tempdir().expect("a folder");
        let view = View::new(Index::open(dir.path(), 1 << 20, Steps::small().index_watch).expect("opened"));
        let mut repeats = Repeats::unknown(Steps::small());
        repeats.learn(&view).expect("read");
        (0..=Steps::small().filter_digests_max).for_each(|number| repeats.note(&digest(number)));
        assert!(!repeats.is_new(&digest(0)));
        repeats.learn(&view).expect("read");
        assert!(repeats.is_new(&digest(0)));
    }
}
