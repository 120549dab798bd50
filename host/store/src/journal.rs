//! The journal: the host's truth. Segment files of checksummed frames, one writer, one `fdatasync` per batch.
//!
//! Knows bytes, files and their durability. Knows nothing of what a record means.

mod crash;
mod frame;
mod mark;
mod reader;
mod salvage;
mod segment;
mod writer;

pub use crash::Crash;
#[cfg(test)]
pub(super) use mark::path as mark_path;
pub(super) use mark::{forget as forget_mark, read as mark};
pub(super) use reader::{FrameReader, Frames, scan_segment};
pub(super) use salvage::{Part, bridge, parts};
pub(super) use segment::{SegmentNumber, list_segments, path as segment_path, remove_segment};
pub(super) use writer::Writer;

use serde::{Deserialize, Serialize};

/// Where a frame starts: segment and byte offset in it. Ordered as the journal was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Location {
    /// The segment's number.
    pub(super) segment: u64,
    /// Offset of the frame's header in the segment file.
    pub(super) offset: u32,
}

/// The place after the frame at `at` that holds `payload`.
pub(super) fn frame_end(at: Location, payload: &[u8]) -> Location {
    let bytes = u32::try_from(frame::HEADER_BYTES + payload.len()).unwrap_or(u32::MAX);
    Location { offset: at.offset.saturating_add(bytes), ..at }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused.
    #[error("journal {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Bytes that were durable once are not what they were.
    #[error(
        "journal segment `{path}` is damaged at byte {offset}: {problem}. Everything before is sound; \
         what follows cannot be trusted. Restore a backup, or see with `handoff repair` what would be lost without it"
    )]
    Damaged {
        /// The segment file.
        path: std::path::PathBuf,
        /// Where the first bad frame starts.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A record is larger than a frame may be.
    #[error("a journal record has {bytes} bytes; expected at most {most}")]
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
    fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
