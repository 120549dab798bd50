//! The errors of a journal.

use std::path::{Path, PathBuf};

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system returned an error.
    #[error("journal {action} `{path}`: {source}")]
    Io {
        /// The attempted action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The batch was probably not written: it may be submitted again.
    #[error("the journal cannot write at the moment: {0}")]
    Blocked(String),
    /// Another process is now the writer of this journal.
    #[error("this process is no longer the leader of its journal: {0}")]
    NotLeader(String),
    /// The frame does not exist, or no longer.
    #[error("the journal has no frame at segment {segment}, byte {offset}")]
    NoFrame {
        /// The segment.
        segment: u64,
        /// The offset.
        offset: u32,
    },
    /// Data that was once durable has changed.
    #[error(
        "journal segment `{path}` is damaged at byte {offset}: {problem}. Everything before is sound; \
         what follows cannot be trusted. Restore a backup, or see with `handoff repair` what would be lost without it"
    )]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where the first bad frame starts.
        offset: u64,
        /// What is wrong with the frame.
        problem: String,
    },
    /// The journal cannot be backed up through the host.
    #[error("this journal is not kept in files of the host: back it up where it is kept")]
    NotInFiles,
    /// A frame is too large.
    #[error("a journal frame has {bytes} bytes; expected at most {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// An earlier sync failed: the content of the disk is unknown, so nothing more is acknowledged.
    #[error("the journal stopped after a failed write or sync: {0}. Restart the host once the disk is sound")]
    Stopped(String),
}

impl JournalError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
