//! What can go wrong in a journal.

use std::path::{Path, PathBuf};

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused.
    #[error("journal {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The batch was not written, as far as anyone can tell: it may be submitted again.
    #[error("the journal cannot write at the moment: {0}")]
    Blocked(String),
    /// Another process writes this journal now.
    #[error("this process is no longer the leader of its journal: {0}")]
    NotLeader(String),
    /// The frame is not kept any more, or never was.
    #[error("the journal has no frame at segment {segment}, byte {offset}")]
    NoFrame {
        /// The segment.
        segment: u64,
        /// The offset.
        offset: u32,
    },
    /// Bytes that were durable once are not what they were.
    #[error(
        "journal segment `{path}` is damaged at byte {offset}: {problem}. Everything before is sound; \
         what follows cannot be trusted. Restore a backup, or see with `handoff repair` what would be lost without it"
    )]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where the first bad frame starts.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A frame is larger than it may be.
    #[error("a journal frame has {bytes} bytes; expected at most {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// An earlier sync failed: what the disk holds is unknown, so nothing more is acknowledged.
    #[error("the journal stopped after a failed write or sync: {0}. Restart the host once the disk is sound")]
    Stopped(String),
}

impl JournalError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
