//! Defines every key of the index. Keys are bytes; their order is the order of scans. Reads and writes nothing.
//!
//! The first byte is the table. Numbers are big-endian, so that byte order is number order. Once a version has been
//! released, any change here must change [`SCHEMA_VERSION`].

use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// The version of keys, rows and changes.
pub const SCHEMA_VERSION: u32 = 1;

/// An index key. Short keys are stored inline in the ordered maps, which compare keys at every level; a key on the heap
/// would cost a memory access each time.
pub(super) type Key = smallvec::SmallVec<[u8; 40]>;

/// The order in which an installation's events of one partition key are handled. Each event without a key has its own
/// queue. If two keys share a queue, they only wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct QueueKey(u64);

impl QueueKey {
    const KEYED: u64 = 1 << 63;

    /// The queue of a partition key.
    pub(super) fn of_partition_key(key: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = digest16(&[key.as_bytes()]);
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]) | Self::KEYED)
    }

    /// The queue of one event without a key.
    pub(super) fn of_position(position: Position) -> Self {
        Self(position.0 & !Self::KEYED)
    }

    pub(super) fn of_number(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// False for the queue of a single event: no other event can wait in it.
    pub(super) fn is_keyed(self) -> bool {
        self.0 & Self::KEYED != 0
    }
}

/// First byte of each table's keys.
pub(super) mod table {
    /// Installation → the job of its last rollback.
    pub(crate) const ROLLBACK_JOB: u8 = b'A';
    /// Number → entry of the audit chain.
    pub(crate) const AUDIT: u8 = b'L';
    /// The store's metadata.
    pub(crate) const META: u8 = b'C';
    /// Scope, `source` and `id` seen → position.
    pub(crate) const DEDUPE: u8 = b'D';
    /// Installation, generation → its details.
    pub(crate) const DETAILS: u8 = b'F';
    /// Installation, generation → since when undo is recorded; without a row, undo is not recorded or incomplete.
    pub(crate) const UNDO_SINCE: u8 = b'V';
    /// Position → location of the event's frame.
    pub(crate) const EVENT: u8 = b'E';
    /// Kind, name → host record.
    pub(crate) const HOST_RECORD: u8 = b'J';
    /// Installation, generation → schema of its initial state, if that differs from its version's.
    pub(crate) const STATE_SCHEMA: u8 = b'f';
    /// Installation, generation → its record.
    pub(crate) const GENERATION: u8 = b'G';
    /// Installation, position: outbox requests that are held.
    pub(crate) const HELD: u8 = b'Z';
    /// Installation, position → queue and a copy of the queue's row: the first entry of each queue that does not wait
    /// for a retry.
    pub(crate) const HEAD: u8 = b'H';
    /// Installation, outbox key → position of the request.
    pub(crate) const OUTBOX_KEY: u8 = b'I';
    /// Installation, timer key → timer.
    pub(crate) const TIMER: u8 = b'K';
    /// Installation, metric → value.
    pub(crate) const METRIC: u8 = b'M';
    /// Installation → its last row, once it was uninstalled.
    pub(crate) const UNINSTALLED: u8 = b'n';
    /// Installation → its row.
    pub(crate) const INSTALLATION: u8 = b'N';
    /// Installation, position → outbox request.
    pub(crate) const OUTBOX: u8 = b'O';
    /// Installation, schedule → last tick.
    pub(crate) const TICK: u8 = b'P';
    /// Installation, queue, position → waiting delivery.
    pub(crate) const QUEUE: u8 = b'Q';
    /// Event position, installation, attempt → location of the delivery's record. See also [`super::SETTLED`].
    pub(crate) const RECORDING: u8 = b'R';
    /// Installation → the repeated events of its active generation.
    pub(crate) const REPEATED: u8 = b'e';
    /// Installation, state key → value.
    pub(crate) const STATE: u8 = b'S';
    /// Due time, installation, timer key's digest → timer key.
    pub(crate) const TIMER_DUE: u8 = b'T';
    /// Installation, generation, then a state key or a timer → its value from before the generation changed it.
    pub(crate) const UNDO: u8 = b'B';
    /// Installation, generation → how much its undo holds.
    pub(crate) const UNDO_SIZE: u8 = b'Y';
    /// Due time, installation, position: outbox requests to send.
    pub(crate) const OUTBOX_DUE: u8 = b'U';
    /// Installation, due time, position → queue: first entries of queues that wait for a retry.
    pub(crate) const WAITING: u8 = b'W';
    /// Installation, position → dead letter.
    pub(crate) const DEAD_LETTER: u8 = b'X';
}

/// Whether a row follows from the log records that still exist, so that no copy is needed.
pub(super) fn follows_from_log(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(table::DEDUPE | table::EVENT | table::RECORDING)))
}

/// Builds keys part by part.
pub(super) struct KeyBuilder(Key);

impl KeyBuilder {
    pub(super) fn new(table: u8) -> Self {
        let mut key = Key::new();
        key.push(table);
        Self(key)
    }

    pub(super) fn installation(mut self, id: InstallationId) -> Self {
        self.0.extend_from_slice(&id.0.to_be_bytes());
        self
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn done(self) -> Key {
        self.0
    }
}

pub(super) fn meta(name: &str) -> Key {
    KeyBuilder::new(table::META).bytes(name.as_bytes()).done()
}

/// What makes an event the same as another: the same `source` and `id` in two scopes are two events.
pub(super) fn identity(scope: &Scope, source: &str, id: &str) -> [u8; 16] {
    let (kind, name): (&[u8], _) = match scope {
        Scope::Rooftop(name) => (b"rooftop", name.as_str()),
        Scope::Group(name) => (b"group", name.as_str()),
    };
    digest16(&[kind, name.as_bytes(), source.as_bytes(), id.as_bytes()])
}

pub(super) fn dedupe(digest: &[u8; 16]) -> Key {
    KeyBuilder::new(table::DEDUPE).bytes(digest).done()
}

pub(super) fn event(position: Position) -> Key {
    KeyBuilder::new(table::EVENT).number(position.0).done()
}

pub(super) fn generation(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::GENERATION).installation(id).number(generation.0).done()
}

pub(super) fn rollback_job(id: InstallationId) -> Key {
    KeyBuilder::new(table::ROLLBACK_JOB).installation(id).done()
}

pub(super) fn undo_since(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::UNDO_SINCE).installation(id).number(generation.0).done()
}

/// What an undo row restores.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Undone {
    /// A state key.
    State(String),
    /// A timer.
    Timer(String),
}

/// Undo rows of state keys come before those of timers.
const UNDO_STATE: u8 = 0;
const UNDO_TIMER: u8 = 1;

/// All undo rows of a generation.
pub(super) fn undo(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::UNDO).installation(id).number(generation.0).done()
}

pub(super) fn undo_state(id: InstallationId, generation: Generation, key: &str) -> Key {
    KeyBuilder::new(table::UNDO).installation(id).number(generation.0).bytes(&[UNDO_STATE]).bytes(key.as_bytes()).done()
}

pub(super) fn undo_timer(id: InstallationId, generation: Generation, timer: &str) -> Key {
    KeyBuilder::new(table::UNDO)
        .installation(id)
        .number(generation.0)
        .bytes(&[UNDO_TIMER])
        .bytes(timer.as_bytes())
        .done()
}

/// What the undo row of this key restores.
pub(super) fn undone(key: &[u8]) -> Option<Undone> {
    let (kind, name) = key.get(13..)?.split_first()?;
    let name = std::str::from_utf8(name).ok()?.to_owned();
    match *kind {
        UNDO_STATE => Some(Undone::State(name)),
        UNDO_TIMER => Some(Undone::Timer(name)),
        _ => None,
    }
}

pub(super) fn undo_size(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::UNDO_SIZE).installation(id).number(generation.0).done()
}

pub(super) fn held(id: InstallationId, position: Position) -> Key {
    KeyBuilder::new(table::HELD).installation(id).number(position.0).done()
}

pub(super) fn details(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::DETAILS).installation(id).number(generation.0).done()
}

pub(super) fn audit(number: u64) -> Key {
    KeyBuilder::new(table::AUDIT).number(number).done()
}

pub(super) fn host_record(kind: u8, name: &str) -> Key {
    KeyBuilder::new(table::HOST_RECORD).bytes(&[kind]).bytes(name.as_bytes()).done()
}

pub(super) fn state_schema(id: InstallationId, generation: Generation) -> Key {
    KeyBuilder::new(table::STATE_SCHEMA).installation(id).number(generation.0).done()
}

pub(super) fn head(id: InstallationId, position: Position) -> Key {
    KeyBuilder::new(table::HEAD).installation(id).number(position.0).done()
}

pub(super) fn waiting(id: InstallationId, due: Timestamp, position: Position) -> Key {
    KeyBuilder::new(table::WAITING).installation(id).number(due.0).number(position.0).done()
}

pub(super) fn queue(id: InstallationId, queue_key: QueueKey, position: Position) -> Key {
    KeyBuilder::new(table::QUEUE).installation(id).number(queue_key.0).number(position.0).done()
}

pub(super) fn dead_letter(id: InstallationId, position: Position) -> Key {
    KeyBuilder::new(table::DEAD_LETTER).installation(id).number(position.0).done()
}

pub(super) fn state(id: InstallationId, key: &str) -> Key {
    KeyBuilder::new(table::STATE).installation(id).bytes(key.as_bytes()).done()
}

pub(super) fn timer(id: InstallationId, key: &str) -> Key {
    KeyBuilder::new(table::TIMER).installation(id).bytes(key.as_bytes()).done()
}

pub(super) fn timer_due(due: Timestamp, id: InstallationId, key: &str) -> Key {
    KeyBuilder::new(table::TIMER_DUE).number(due.0).installation(id).bytes(&digest16(&[key.as_bytes()])).done()
}

pub(super) fn outbox(id: InstallationId, position: Position) -> Key {
    KeyBuilder::new(table::OUTBOX).installation(id).number(position.0).done()
}

pub(super) fn outbox_due(due: Timestamp, id: InstallationId, position: Position) -> Key {
    KeyBuilder::new(table::OUTBOX_DUE).number(due.0).installation(id).number(position.0).done()
}

pub(super) fn outbox_key(id: InstallationId, key: &str) -> Key {
    KeyBuilder::new(table::OUTBOX_KEY).installation(id).bytes(&digest16(&[key.as_bytes()])).done()
}

pub(super) fn tick(id: InstallationId, schedule: &str) -> Key {
    KeyBuilder::new(table::TICK).installation(id).bytes(schedule.as_bytes()).done()
}

pub(super) fn metric(id: InstallationId, metric: &[u8]) -> Key {
    KeyBuilder::new(table::METRIC).installation(id).bytes(metric).done()
}

pub(super) fn repeated(id: InstallationId) -> Key {
    KeyBuilder::new(table::REPEATED).installation(id).done()
}

pub(super) fn installation(id: InstallationId) -> Key {
    KeyBuilder::new(table::INSTALLATION).installation(id).done()
}

pub(super) fn uninstalled(id: InstallationId) -> Key {
    KeyBuilder::new(table::UNINSTALLED).installation(id).done()
}

/// Used instead of an attempt number for the record that redrove or discarded a dead letter, or of a request's answer.
pub(super) const SETTLED: u32 = u32::MAX;

pub(super) fn recording(event: Position, id: InstallationId, attempt: u32) -> Key {
    KeyBuilder::new(table::RECORDING).number(event.0).installation(id).bytes(&attempt.to_be_bytes()).done()
}

/// The prefix of all keys of a table, or of a table and an installation.
pub(super) fn prefix(table: u8, id: Option<InstallationId>) -> Key {
    let table = KeyBuilder::new(table);
    match id {
        Some(id) => table.installation(id).done(),
        None => table.done(),
    }
}

/// The number in the last eight bytes of a key.
pub(super) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The number in eight bytes at an offset.
pub(super) fn number_at(key: &[u8], offset: usize) -> Option<u64> {
    key.get(offset..)?.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The installation at an offset.
pub(super) fn installation_at(key: &[u8], offset: usize) -> Option<InstallationId> {
    key.get(offset..)?.first_chunk::<4>().map(|bytes| InstallationId(u32::from_be_bytes(*bytes)))
}

/// Half a SHA-256 over the parts, each preceded by its length.
pub(super) fn digest16(parts: &[&[u8]]) -> [u8; 16] {
    use sha2::{Digest as _, Sha256};
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let full: [u8; 32] = hasher.finalize().into();
    full.first_chunk().copied().unwrap_or_default()
}
