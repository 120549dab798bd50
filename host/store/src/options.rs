//! Where a store is and how large its parts may grow.

use std::path::PathBuf;
use std::time::Duration;

use handoff_model::limits::StoreLimits;

/// Where a store lives and how large its parts may grow.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data folder.
    pub dir: PathBuf,
    /// A segment of the journal is closed at this size.
    pub segment_bytes: u32,
    /// A checkpoint starts when the write buffer has grown to this size.
    pub buffer_bytes: usize,
    /// sled's cache. Its memory is several times this.
    pub cache_bytes: u64,
    /// The index is not written anew before its file has this size.
    pub index_rewrite_bytes: u64,
    /// Event data larger than this goes into a file of its own.
    pub inline_body_bytes: usize,
    /// Entries that may wait over all installations before more are refused.
    pub queue_entries_max: u64,
    /// Entries that may wait for one installation before more are refused.
    pub installation_queue_entries_max: u64,
    /// Timers that one installation may have set.
    pub installation_timers_max: u64,
    /// Outbox requests of one installation that may wait for an answer.
    pub installation_outbox_pending_max: u64,
    /// Bytes of state that are kept to undo what one generation changed; past them its state cannot be put back any more.
    pub undo_bytes_max: u64,
    /// Metrics of one installation.
    pub installation_metrics_max: u64,
    /// How much is done at a time. Tests choose other numbers, so that what takes many steps in production takes many in them.
    #[doc(hidden)]
    pub steps: Steps,
}

/// How much the store does at a time, and how much it remembers. Not for operators: the numbers in use were measured.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Rows of the index that are read ahead after each batch.
    pub learned_rows: usize,
    /// Digests of events from which on the filter for duplicates is made anew: those of forgotten events stay in it.
    pub filter_digests_max: u64,
    /// Commits of one installation that are remembered for a rollback: 24 bytes each. A bad version is mostly taken back
    /// before so many.
    pub remembered_commits_max: usize,
    /// Undo rows looked at in one step of a restore: what a busy version changes in a second, so that a rollback soon after
    /// its swap is one step.
    pub restored_rows_max: u64,
    /// Entries that one step of a replay puts back into their queues.
    pub replayed_entries: usize,
    /// The same for the step that is part of the rollback's own frame, for which everyone waits.
    pub first_replayed_entries: usize,
    /// Entries to be replayed that are kept in memory. If there are more, the journal is read again for the next ones.
    pub replay_window: usize,
    /// How many times larger than when it was new the index must be before it is written anew. With 4, all rewrites of an
    /// index that only grows cost a third of its last size.
    pub index_growth: u64,
    /// How long sled may write before someone looks whether it waits for ever.
    pub index_watch: Duration,
    /// How long to wait before a batch is submitted again that the journal could not take.
    pub blocked_pause: Duration,
    /// Whether long reads of the journal leave the async threads. A simulation has one thread, and its order.
    pub uses_threads: bool,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            learned_rows: 512,
            filter_digests_max: 1 << 24,
            remembered_commits_max: 50_000,
            restored_rows_max: 2_048,
            replayed_entries: 256,
            first_replayed_entries: 64,
            replay_window: 500_000,
            index_growth: 4,
            index_watch: Duration::from_secs(1),
            blocked_pause: Duration::from_millis(100),
            uses_threads: true,
        }
    }
}

impl Steps {
    /// Steps so small that a short history takes many of each, in the order of one thread.
    #[must_use]
    pub fn small() -> Self {
        Self {
            learned_rows: 4,
            filter_digests_max: 40,
            remembered_commits_max: 6,
            restored_rows_max: 128,
            replayed_entries: 3,
            first_replayed_entries: 2,
            replay_window: 8,
            index_growth: 1,
            index_watch: Duration::from_millis(5),
            blocked_pause: Duration::from_millis(1),
            uses_threads: false,
        }
    }
}

impl StoreOptions {
    /// The defaults, for a folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let StoreLimits { segment_bytes, buffer_bytes, inline_body_bytes } = StoreLimits::default();
        Self {
            dir: dir.into(),
            segment_bytes,
            buffer_bytes,
            cache_bytes: 32 << 20,
            index_rewrite_bytes: 64 << 20,
            inline_body_bytes,
            queue_entries_max: 1_000_000,
            installation_queue_entries_max: 250_000,
            installation_timers_max: 100_000,
            installation_outbox_pending_max: 100_000,
            undo_bytes_max: 256 << 20,
            installation_metrics_max: 10_000,
            steps: Steps::default(),
        }
    }

    /// The same with small [`Steps`], for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn in_small_steps(dir: impl Into<PathBuf>) -> Self {
        Self { steps: Steps::small(), ..Self::new(dir) }
    }
}
