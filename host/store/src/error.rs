//! The errors of the store.

use std::path::PathBuf;

use handoff_model::names::InstallationName;
use handoff_model::scope::Scope;

use super::host_records::HOST_RECORD_BYTES_MAX;
use super::journal::JournalError;

/// A failed operation of the store. It had no effect, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The journal returned an error.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// sled returned an error.
    #[error("the index failed: {0}")]
    Index(#[from] sled::Error),
    /// The files of the index differ from what the last checkpoint wrote.
    #[error("the index file `{path}` is damaged at byte {byte}: {problem}. It is made again from the journal")]
    BrokenIndex {
        /// The file.
        path: PathBuf,
        /// The offset of the damage, rounded down to the block.
        byte: u64,
        /// What is wrong with the file.
        problem: String,
    },
    /// A row of the index cannot be read.
    #[error("the row under key {key} of the index cannot be read: {source}. Delete the folder `index`: it is rebuilt")]
    BadRow {
        /// The key in hex.
        key: String,
        /// The decoding error.
        source: postcard::Error,
    },
    /// A frame of the journal cannot be decoded.
    #[error(
        "the journal frame at segment {segment}, byte {offset} cannot be read: {source}. It was written by another version"
    )]
    BadFrame {
        /// The segment.
        segment: u64,
        /// The offset of the frame.
        offset: u32,
        /// The decoding error.
        source: postcard::Error,
    },
    /// A large value is incomplete.
    #[error("a large value of the index is incomplete. Delete the folder `index`: it is rebuilt")]
    MissingPieces,
    /// Rows that are packed into one sled row do not decode.
    #[error("a row of the index is damaged. Delete the folder `index`: it is rebuilt")]
    MalformedBlock,
    /// The operating system returned an error.
    #[error("store {action} `{path}`: {source}")]
    Io {
        /// The attempted action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process uses the data folder.
    #[error("data folder `{0}` is in use by another process: one host opens a data folder at a time. Stop it first")]
    InUse(PathBuf),
    /// Another version wrote the data folder.
    #[error(
        "data folder has schema {found}; this program knows {known}. Use the version that wrote it, or a newer one"
    )]
    Schema {
        /// The version that was found.
        found: u32,
        /// The version that was expected.
        known: u32,
    },
    /// The body of a large event is missing or differs from its digest.
    #[error("the body `{0}` of an event is missing or damaged")]
    Body(String),
    /// The body of a large event could not be made durable. Only its event is refused.
    #[error("the body of an event cannot be kept")]
    BodyNotKept(#[source] JournalError),
    /// The export cannot be used.
    #[error("the export of the index cannot be used: {0}. Restore a backup of the data folder")]
    Export(String),
    /// State and pending work of an installation could not be written to files. Nothing was removed.
    #[error("cannot {action} `{path}`: {source}; nothing was removed")]
    NotExported {
        /// The attempted action.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A queued entry has no event.
    #[error("the event at position {0} waits but is not in the log. Delete the folder `index`: it is rebuilt")]
    NoEvent(u64),
    /// The committer has stopped; no more requests are accepted.
    #[error("the store has stopped: {0}")]
    Stopped(String),
    /// All queues of a rooftop or of a group together are full.
    #[error("{waiting} events wait at `{scope}`, its share of the host's queues is {most}: try again later")]
    QueuesFull {
        /// The rooftop or the group.
        scope: Scope,
        /// How many events wait.
        waiting: u64,
        /// How many events may wait.
        most: u64,
    },
    /// The disk has no room for a checkpoint.
    #[error(
        "the disk of `{}` has {} MB free and a checkpoint may need {} MB: make room there. Nothing is lost meanwhile",
        path.display(), free / 1_000_000, needed.div_ceil(1_000_000)
    )]
    DiskFull {
        /// The data folder.
        path: PathBuf,
        /// Free bytes.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// A queue is full.
    #[error("`{installation}` has {waiting} events waiting, its bound is {most}: try again later")]
    QueueFull {
        /// The installation with the full queue.
        installation: InstallationName,
        /// How many events wait.
        waiting: u64,
        /// How many events may wait.
        most: u64,
    },
    /// The installation does not exist.
    #[error("there is no installation `{0}`")]
    NoInstallation(String),
    /// Another caller changed the installation in the meantime.
    #[error("`{name}` is at generation {active} now, not {expected}: look again and repeat")]
    GenerationMoved {
        /// The installation.
        name: InstallationName,
        /// The active generation.
        active: u64,
        /// The generation that the caller expected.
        expected: u64,
    },
    /// An installation cannot move to another rooftop or group.
    #[error(
        "`{name}` belongs to `{scope}`, and so do its state, events and requests: it cannot move to `{wanted}`. Install \
         the package there under another name"
    )]
    OtherScope {
        /// The installation.
        name: InstallationName,
        /// Its rooftop or group.
        scope: Scope,
        /// The requested one.
        wanted: Scope,
    },
    /// The installation is paused, and the caller required that it is not.
    #[error("`{0}` is paused: left as it is")]
    Paused(InstallationName),
    /// A host record is too large.
    #[error("the host record `{key}` has {bytes} bytes with its name; at most {HOST_RECORD_BYTES_MAX} are kept")]
    HostRecordTooLarge {
        /// The name of the record.
        key: String,
        /// Its size in bytes.
        bytes: usize,
    },
    /// A rollback job has not finished.
    #[error(
        "a rollback of `{0}` is still in progress (state, events, requests): it continues by itself while the host runs. Wait \
         until it is done, and repeat"
    )]
    RollbackUnderWay(InstallationName),
    /// No rollback is on record.
    #[error("no rollback on record for installation number {0}")]
    NoRollback(u32),
    /// State cannot be restored that far back.
    #[error(
        "the state of `{name}` cannot be put back to the end of generation {to}: what undoes it is not kept that long. State can \
         be put back to the end of generation {oldest} at most; or roll back and keep the state as it is"
    )]
    UndoGone {
        /// The installation.
        name: InstallationName,
        /// The requested generation.
        to: u64,
        /// The oldest generation that can be restored.
        oldest: u64,
    },
    /// The rollback leaves no generation, or its target does not exist.
    #[error("`{name}` is at generation {active}: a rollback to the end of generation {to} leaves nothing")]
    NothingToLeave {
        /// The installation.
        name: InstallationName,
        /// The active generation.
        active: u64,
        /// The requested generation.
        to: u64,
    },
    /// State changed during its migration.
    #[error("state of `{0}` that its migration read was written meanwhile: nothing was changed. Repeat the upgrade")]
    MigrationConflict(InstallationName),
    /// The request is not, or no longer, held.
    #[error("{0} is not a held request: it was released, discarded or replaced, or never was one")]
    NoHeldRequest(String),
    /// The event does not wait for the installation.
    #[error(
        "event {position} does not wait for `{installation}`: it was handled, is a dead letter, or never went there"
    )]
    NotWaiting {
        /// The installation.
        installation: InstallationName,
        /// The position of the event.
        position: u64,
    },
    /// There is no such timer.
    #[error("`{installation}` has no timer `{key}`: it has fired or was cancelled, or never was set")]
    NoTimer {
        /// The installation.
        installation: InstallationName,
        /// The key.
        key: String,
    },
    /// The entry is not, or no longer, a dead letter.
    #[error("{0} is not a dead letter: it was redriven or discarded, or never was one")]
    NoDeadLetter(String),
}

impl StoreError {
    /// Copies the failure of a batch for another caller.
    pub(super) fn stopped(&self) -> Self {
        Self::Stopped(self.to_string())
    }
}
