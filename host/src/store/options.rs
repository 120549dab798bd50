//! Where a store is and how large its parts may grow.

use std::path::PathBuf;

use crate::model::limits::StoreLimits;

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
    /// Business figures of one installation.
    pub installation_figures_max: u64,
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
            installation_figures_max: 10_000,
        }
    }
}
