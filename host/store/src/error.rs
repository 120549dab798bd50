//! What can go wrong in the store.

use std::path::PathBuf;

use handoff_model::names::InstallationName;

use super::host_records::HOST_RECORD_BYTES_MAX;
use super::journal::JournalError;

/// A failed operation of the store. Nothing of it took effect, unless it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// sled refused.
    #[error("the index failed: {0}")]
    Index(#[from] sled::Error),
    /// The files of the index are not what the last checkpoint left.
    #[error("the index file `{path}` is damaged at byte {byte}: {problem}. It is made again from the journal")]
    BrokenIndex {
        /// The file.
        path: PathBuf,
        /// Where the damage begins, to the block.
        byte: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A row of the index cannot be read.
    #[error("the row under key {key} of the index cannot be read: {source}. Delete the folder `index`: it is rebuilt")]
    BadRow {
        /// The key in hex.
        key: String,
        /// Why.
        source: postcard::Error,
    },
    /// A frame of the journal cannot be decoded.
    #[error(
        "the journal frame at segment {segment}, byte {offset} cannot be read: {source}. It was written by another version"
    )]
    BadFrame {
        /// The segment.
        segment: u64,
        /// The frame.
        offset: u32,
        /// Why.
        source: postcard::Error,
    },
    /// A large value is incomplete.
    #[error("a large value of the index is incomplete. Delete the folder `index`: it is rebuilt")]
    MissingPieces,
    /// Rows that share a row of sled do not decode.
    #[error("a row of the index is damaged. Delete the folder `index`: it is rebuilt")]
    MalformedBlock,
    /// The operating system refused.
    #[error("store {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process works on the data folder.
    #[error("data folder `{0}` is in use by another process: one host opens a data folder at a time. Stop it first")]
    InUse(PathBuf),
    /// The data folder was written by another version.
    #[error(
        "data folder has schema {found}; this program knows {known}. Use the version that wrote it, or a newer one"
    )]
    Schema {
        /// What is there.
        found: u32,
        /// What was expected.
        known: u32,
    },
    /// The body of a large event is missing or is not what it was.
    #[error("the body `{0}` of an event is missing or damaged")]
    Body(String),
    /// The body of a large event could not be made durable. Its event is refused, and no other.
    #[error("the body of an event cannot be kept")]
    BodyNotKept(#[source] JournalError),
    /// The export cannot be used.
    #[error("the export of the index cannot be used: {0}. Restore a backup of the data folder")]
    Export(String),
    /// A waiting entry has no event.
    #[error("the event at position {0} waits but is not in the log. Delete the folder `index`: it is rebuilt")]
    NoEvent(u64),
    /// The committer has stopped; nothing more is accepted.
    #[error("the store has stopped: {0}")]
    Stopped(String),
    /// All queues together are full.
    #[error("{waiting} events wait, the host's bound is {most}: try again later")]
    QueuesFull {
        /// How many wait.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// A queue is full.
    #[error("`{installation}` has {waiting} events waiting, its bound is {most}: try again later")]
    QueueFull {
        /// Whose queue.
        installation: InstallationName,
        /// How many wait.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// No such installation.
    #[error("there is no installation `{0}`")]
    NoInstallation(String),
    /// Someone else changed the installation in between.
    #[error("`{name}` is at generation {active} now, not {expected}: look again and repeat")]
    GenerationMoved {
        /// The installation.
        name: InstallationName,
        /// What is active.
        active: u64,
        /// What the caller thought.
        expected: u64,
    },
    /// Somebody paused the installation, and whoever asks goes on only if nobody has.
    #[error("`{0}` is paused: left as it is")]
    Paused(InstallationName),
    /// A record of the host is too large.
    #[error("the host record `{key}` has {bytes} bytes with its name; at most {HOST_RECORD_BYTES_MAX} are kept")]
    HostRecordTooLarge {
        /// Its name.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// A rollback job is not finished.
    #[error(
        "a rollback of `{0}` is still in progress (state, events, requests): it continues by itself while the host runs. Wait \
         until it is done, and repeat"
    )]
    RollbackUnderWay(InstallationName),
    /// No rollback is on record.
    #[error("no rollback on record for installation number {0}")]
    NoRollback(u32),
    /// State cannot be put back that far.
    #[error(
        "the state of `{name}` cannot be put back to the end of generation {to}: what undoes it is not kept that long. State can \
         be put back to the end of generation {oldest} at most; or roll back and keep the state as it is"
    )]
    UndoGone {
        /// The installation.
        name: InstallationName,
        /// What was asked for.
        to: u64,
        /// The oldest that is possible.
        oldest: u64,
    },
    /// A rollback that leaves nothing, or what is not there.
    #[error("`{name}` is at generation {active}: a rollback to the end of generation {to} leaves nothing")]
    NothingToLeave {
        /// The installation.
        name: InstallationName,
        /// What is active.
        active: u64,
        /// What was asked for.
        to: u64,
    },
    /// State changed while it was migrated.
    #[error("state of `{0}` that its migration read was written meanwhile: nothing was changed. Repeat the upgrade")]
    MigrationConflict(InstallationName),
    /// Not a held request (any more).
    #[error("{0} is not a held request: it was released, discarded or replaced, or never was one")]
    NoHeldRequest(String),
    /// Not a dead letter (any more).
    #[error("{0} is not a dead letter: it was redriven or discarded, or never was one")]
    NoDeadLetter(String),
}

impl StoreError {
    /// The same failure for one more caller of a failed batch.
    pub(super) fn stopped(&self) -> Self {
        Self::Stopped(self.to_string())
    }
}
