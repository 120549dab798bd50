//! The journal: the truth of a store, behind a port. A *frame* holds the changes of one commit, a *batch* many frames.
//!
//! An implementation says what makes a batch durable, and where exports and blobs live. Rotation, detection of damage and
//! repair are its own business; places of frames are not: the same pushes and submits give the same locations everywhere,
//! because rows of exports hold them. Knows bytes. Knows nothing of what a change means.

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

/// Where a frame starts: segment and byte offset in it. Ordered as the journal was written.
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
    /// After the last frame; none if there is none, and no segment.
    pub end: Option<Location>,
}

/// A segment that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// When its last batch was committed; for the newest segment none.
    pub closed_at: Option<Timestamp>,
}

/// One damaged part of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The segment file.
    pub path: std::path::PathBuf,
    /// Where the damage begins.
    pub byte: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What is wrong.
    pub problem: String,
    /// The highest position in the same file before it. Events after this one and before the next are lost, and with them
    /// what was decided at that time about earlier ones, which may therefore be delivered again.
    pub after_position: Option<u64>,
    /// The lowest position in the same file after it.
    pub before_position: Option<u64>,
}

/// Reads the lowest and the highest position of the events in a frame's payload.
pub type ReadPositions<'a> = dyn Fn(&[u8]) -> Option<(u64, u64)> + 'a;

/// What repair must know of frames.
pub struct FrameMeaning<'a> {
    /// The lowest and highest position of the events in a frame.
    pub positions: &'a ReadPositions<'a>,
    /// A frame that changes nothing; any number of zeros may follow it.
    pub empty: &'a [u8],
}

/// Looks at a frame, and says whether to go on.
pub type Visit<'v> = dyn FnMut(Location, &[u8]) -> ControlFlow<()> + 'v;

/// Writes an export.
pub type WriteExport<'w> = dyn FnMut(&mut dyn Write) -> std::io::Result<()> + 'w;

/// Durable frames, exports and blobs.
pub trait Journal: Send + Sync {
    /// Visits every frame from a location on, and says where the journal ends. Without a location the journal must be
    /// whole. What was never acknowledged is left out; damage before that is an error. The end is not that of the journal
    /// if the visitor stopped.
    fn replay(&self, from: Option<Location>, visit: &mut Visit<'_>) -> Result<Tail, JournalError>;

    /// The one writer, which continues at the tail that `replay` found. Where other processes may write the same journal, writers
    /// that were made before are refused from now on.
    fn writer(&self, tail: Tail) -> Result<Box<dyn Writer>, JournalError>;

    /// The payload of the frame at a location.
    fn read(&self, at: Location) -> Result<Vec<u8>, JournalError>;

    /// Visits the frames of a range of segments that are kept. Damage before the end of the range is an error. Returns the
    /// location after the last frame.
    fn scan(&self, range: Range<Location>, visit: &mut Visit<'_>) -> Result<Location, JournalError>;

    /// The segments that are kept, ascending.
    fn segments(&self) -> Result<Vec<Segment>, JournalError>;

    /// Replaces the export, which stands for the journal before a location, and then drops the segments before a number.
    fn retire(&self, stands_for: Location, before: u64, export: &mut WriteExport<'_>) -> Result<(), JournalError>;

    /// The newest export.
    fn export(&self) -> Result<Option<Box<dyn Read + Send>>, JournalError>;

    /// Bodies and packages.
    fn blobs(&self) -> &dyn Blobs;

    /// Looks for damage, while no writer exists. With `accept`, each damaged part is replaced by empty frames.
    fn repair(&self, accept: bool, meaning: &FrameMeaning<'_>) -> Result<Vec<Loss>, JournalError>;
}

/// Appends frames to a journal.
pub trait Writer: Send {
    /// Adds a frame to the batch, in memory only.
    fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError>;

    /// Seals the batch and hands it over to be made durable. After [`JournalError::Blocked`] the same batch is submitted
    /// again, with nothing pushed in between.
    fn submit(&mut self) -> Result<(), JournalError>;

    /// Everything before the returned location is durable. Waits for all that was submitted if `wait` is true. Afterwards
    /// this is also where the next frame starts.
    fn durable(&mut self, wait: bool) -> Result<Location, JournalError>;

    /// Where a simulated process dies.
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
