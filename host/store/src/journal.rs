//! The journal: the source of truth of a store, behind a port. A *frame* holds the changes of one commit, a *batch*
//! many frames.
//!
//! An implementation defines what makes a batch durable, where exports and blobs live, and how it rotates segments and
//! detects and repairs damage. It does not choose the locations of frames: the same pushes and submits give the same
//! locations everywhere, because rows of exports hold them. Handles bytes only, and never interprets a change.

mod blobs;
mod crash;
mod error;
pub(crate) mod file;
mod frame;
pub(crate) mod memory;

use std::io::{Read, Write};
use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

use handoff_model::time::Timestamp;

pub use blobs::{BlobDigest, BlobKind, Blobs};
pub use crash::Crash;
pub use error::JournalError;
pub use file::FileJournal;
pub use memory::MemoryJournal;

/// Bytes of each segment before its first frame.
pub(crate) const SEGMENT_HEADER_BYTES: u32 = 28;

/// The location of a frame: a segment and a byte offset in it. Ordered as the journal was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The segment's number. The first is 1.
    pub segment: u64,
    /// Offset of the frame's header in the segment.
    pub offset: u32,
}

impl Location {
    /// Where the first frame of a journal starts.
    pub const START: Self = Self { segment: 1, offset: SEGMENT_HEADER_BYTES };

    /// Where the first frame of a segment starts.
    pub(crate) fn start_of(segment: u64) -> Self {
        Self { segment, offset: SEGMENT_HEADER_BYTES }
    }

    /// The location after the frame here that holds `payload`.
    pub(crate) fn after(self, payload: &[u8]) -> Self {
        let bytes = u32::try_from(frame::HEADER_BYTES + payload.len()).unwrap_or(u32::MAX);
        Self { offset: self.offset.saturating_add(bytes), ..self }
    }
}

/// The end of a journal, where a writer continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The location after the last frame; none if the journal has no frame and no segment.
    pub end: Option<Location>,
}

/// An existing segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// When its last batch was committed; none for the newest segment.
    pub closed_at: Option<Timestamp>,
}

/// One damaged part of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The segment file.
    pub path: std::path::PathBuf,
    /// Where the damage begins.
    pub byte: u64,
    /// The size of the damage in bytes.
    pub bytes: u64,
    /// What is wrong.
    pub problem: String,
    /// The highest position in the same file before the damage. Events between this position and the next are lost, and
    /// so are the decisions about earlier events from that time. Those events may be delivered again.
    pub after_position: Option<u64>,
    /// The lowest position in the same file after the damage.
    pub before_position: Option<u64>,
}

/// Reads the lowest and the highest position of the events in a frame's payload.
pub type ReadPositions<'a> = dyn Fn(&[u8]) -> Option<(u64, u64)> + 'a;

/// What repair needs to know about frames.
pub struct FrameMeaning<'a> {
    /// The lowest and highest position of the events in a frame.
    pub positions: &'a ReadPositions<'a>,
    /// A frame without changes; any number of zeros may follow it.
    pub empty: &'a [u8],
}

/// Visits a frame and decides whether to continue.
pub type Visit<'v> = dyn FnMut(Location, &[u8]) -> ControlFlow<()> + 'v;

/// Writes an export.
pub type WriteExport<'w> = dyn FnMut(&mut dyn Write) -> std::io::Result<()> + 'w;

/// Adds a file to a backup.
pub type AddFile<'a> = dyn FnMut(&str, &mut dyn Read) -> std::io::Result<()> + 'a;

/// Durable frames, exports and blobs.
pub trait Journal: Send + Sync {
    /// Visits every frame from a location on, and returns the end of the journal. Without a location the journal must
    /// be complete. Leaves out frames that were never acknowledged; damage before them is an error. If the visitor
    /// stops early, the result is not the end of the journal.
    fn replay(&self, from: Option<Location>, visit: &mut Visit<'_>) -> Result<Tail, JournalError>;

    /// Creates the only writer, which continues at the tail that `replay` returned. If other processes can write the
    /// same journal, all earlier writers are refused from now on.
    fn writer(&self, tail: Tail) -> Result<Box<dyn Writer>, JournalError>;

    /// The payload of the frame at a location.
    fn read(&self, at: Location) -> Result<Vec<u8>, JournalError>;

    /// Visits the frames in a range of existing segments. Damage before the end of the range is an error. Returns the
    /// location after the last frame.
    fn scan(&self, range: Range<Location>, visit: &mut Visit<'_>) -> Result<Location, JournalError>;

    /// The existing segments, ascending.
    fn segments(&self) -> Result<Vec<Segment>, JournalError>;

    /// Replaces the export, which covers the journal before `stands_for`, and then drops the segments before a number.
    fn retire(&self, stands_for: Location, before: u64, export: &mut WriteExport<'_>) -> Result<(), JournalError>;

    /// The newest export.
    fn export(&self) -> Result<Option<Box<dyn Read + Send>>, JournalError>;

    /// Bodies and packages.
    fn blobs(&self) -> &dyn Blobs;

    /// Passes everything from which the journal before `end` can be opened to `add`: paths below a data folder, with
    /// content. Everything before `end` is durable, and nothing is retired or removed meanwhile.
    fn back_up(&self, end: Location, add: &mut AddFile<'_>) -> Result<(), JournalError>;

    /// Looks for damage, while no writer exists. With `accept`, each damaged part is replaced by empty frames.
    fn repair(&self, accept: bool, meaning: &FrameMeaning<'_>) -> Result<Vec<Loss>, JournalError>;
}

/// Appends frames to a journal.
pub trait Writer: Send {
    /// Adds a frame to the batch, in memory only.
    fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError>;

    /// Completes the batch and passes it on to be made durable. After [`JournalError::Blocked`] the same batch is
    /// submitted again, with nothing pushed in between.
    fn submit(&mut self) -> Result<(), JournalError>;

    /// Returns the location before which everything is durable. If `wait` is true, waits for everything that was
    /// submitted; the location is then also where the next frame starts.
    fn durable(&mut self, wait: bool) -> Result<Location, JournalError>;

    /// Sets where a simulated process dies.
    #[doc(hidden)]
    fn set_crash(&mut self, _crash: Crash) {}
}

/// Runs a visit whose visitor may fail.
pub(crate) fn try_visit<T, E: From<JournalError>>(
    mut visit: impl FnMut(Location, &[u8]) -> Result<(), E>,
    run: impl FnOnce(&mut Visit<'_>) -> Result<T, JournalError>,
) -> Result<T, E> {
    let mut failed = None;
    let done = run(&mut |at, payload| match visit(at, payload) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(done?),
    }
}
