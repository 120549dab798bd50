//! What the journal has written since the start: batches, bytes, and how long batches took to become durable.

use std::time::Duration;

/// Upper bounds of the classes of [`JournalVolume::batches`], in seconds; one class more is unbounded.
pub const BATCH_SECONDS_BOUNDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// Journal writes since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JournalVolume {
    /// Batches, each made durable by one sync.
    pub syncs: u64,
    /// Bytes of changes in them, before framing.
    pub bytes: u64,
    /// Batches by the time until they were durable, in classes of [`BATCH_SECONDS_BOUNDS`].
    pub batches: [u64; BATCH_SECONDS_BOUNDS.len() + 1],
    /// The sum of these times in seconds.
    pub seconds: f64,
}

impl JournalVolume {
    pub(super) fn add(&mut self, bytes: usize, took: Duration) {
        if bytes == 0 {
            return;
        }
        self.syncs += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        let class = BATCH_SECONDS_BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.batches.get_mut(class) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_in_the_class_of_its_time() {
        let mut volume = JournalVolume::default();
        volume.add(0, Duration::from_secs(9));
        for ms in [1, 2, 4_000] {
            volume.add(10, Duration::from_millis(ms));
        }
        assert_eq!((volume.syncs, volume.bytes), (3, 30), "an empty batch is none");
        assert_eq!(volume.batches, [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!((volume.seconds - 4.003).abs() < 1e-9, "{volume:?}");
    }
}
