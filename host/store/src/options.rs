//! The location of a store and the limits of its parts. Reads no configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use handoff_model::limits::StoreLimits;
use handoff_model::scope::Groups;

use super::files;

/// The location of a store and the limits of its parts.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data folder.
    pub dir: PathBuf,
    /// A segment of the journal is closed at this size.
    pub segment_bytes: u32,
    /// A checkpoint starts when the write buffer reaches this size.
    pub buffer_bytes: usize,
    /// The size of sled's cache. Its actual memory use is several times this.
    pub cache_bytes: u64,
    /// The index is not rewritten before its file reaches this size.
    pub index_rewrite_bytes: u64,
    /// Event data larger than this goes into a separate file.
    pub inline_body_bytes: usize,
    /// The rooftops of each group.
    pub groups: Groups,
    /// Entries that may wait for all installations of one rooftop, or of one group, before more are refused. What waits
    /// elsewhere makes no difference.
    pub scope_queue_entries_max: u64,
    /// Entries that may wait for one installation before more are refused.
    pub installation_queue_entries_max: u64,
    /// Timers that one installation may have set.
    pub installation_timers_max: u64,
    /// Outbox requests of one installation that may wait for an answer.
    pub installation_outbox_pending_max: u64,
    /// Bytes of undo that are kept for one generation. Once it exceeds them, its state can no longer be restored.
    pub undo_bytes_max: u64,
    /// Metrics of one installation.
    pub installation_metrics_max: u64,
    /// Sizes of the internal steps. Tests choose smaller ones, so that work which takes many steps in production also
    /// takes many in tests.
    #[doc(hidden)]
    pub steps: Steps,
}

/// How much the store does in one step, and how much it keeps in memory. Not for operators: the defaults were measured.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Index rows that are read ahead after each batch.
    pub learned_rows: usize,
    /// Event digests at which the filter for duplicates is rebuilt: it cannot remove the digests of deleted events.
    pub filter_digests_max: u64,
    /// Commits of one installation that are remembered for a rollback, at 24 bytes each. A bad version is usually
    /// rolled back before it makes this many.
    pub remembered_commits_max: usize,
    /// Undo rows that one restore step reads. Commits wait for that step.
    pub restored_rows_max: usize,
    /// Entries that one replay step requeues.
    pub replayed_entries: usize,
    /// Entries that the replay step in the rollback's own frame requeues. All other requests wait for that step.
    pub first_replayed_entries: usize,
    /// Entries to replay that are kept in memory. If there are more, the journal is read again for the next ones.
    pub replay_window: usize,
    /// The growth factor at which the index is rewritten. With 4, all rewrites of an index that only grows cost a third
    /// of its final size.
    pub index_growth: u64,
    /// How long sled may write before a check for a blocked write.
    pub index_watch: Duration,
    /// How long to wait before submitting a batch again after the journal had no room.
    pub blocked_pause: Duration,
    /// Free bytes that a checkpoint needs beside three times the bytes of its rows.
    pub checkpoint_room: u64,
    /// Free bytes of the disk that holds a folder; none if the system does not tell.
    pub free_bytes: fn(&Path) -> Option<u64>,
    /// Whether long journal reads run on other threads. A simulation has one thread and a fixed order.
    pub uses_threads: bool,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            learned_rows: 512,
            filter_digests_max: 1 << 24,
            remembered_commits_max: 50_000,
            restored_rows_max: 256,
            replayed_entries: 256,
            first_replayed_entries: 64,
            replay_window: 500_000,
            index_growth: 4,
            index_watch: Duration::from_secs(1),
            blocked_pause: Duration::from_millis(100),
            checkpoint_room: 32 << 20,
            free_bytes: files::free_bytes,
            uses_threads: true,
        }
    }
}

impl Steps {
    /// Steps so small that a short history takes many of each, in a single thread's order.
    #[must_use]
    pub fn small() -> Self {
        Self {
            learned_rows: 4,
            filter_digests_max: 40,
            remembered_commits_max: 6,
            restored_rows_max: 3,
            replayed_entries: 3,
            first_replayed_entries: 2,
            replay_window: 8,
            index_growth: 1,
            index_watch: Duration::from_millis(5),
            blocked_pause: Duration::from_millis(1),
            checkpoint_room: 1 << 20,
            free_bytes: files::free_bytes,
            uses_threads: false,
        }
    }
}

impl StoreOptions {
    /// The default options for a folder.
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
            groups: Groups::default(),
            scope_queue_entries_max: 1_000_000,
            installation_queue_entries_max: 250_000,
            installation_timers_max: 100_000,
            installation_outbox_pending_max: 100_000,
            undo_bytes_max: 256 << 20,
            installation_metrics_max: 10_000,
            steps: Steps::default(),
        }
    }

    /// The default options with small [`Steps`], for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn in_small_steps(dir: impl Into<PathBuf>) -> Self {
        Self { steps: Steps::small(), ..Self::new(dir) }
    }
}
