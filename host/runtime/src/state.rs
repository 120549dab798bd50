//! The interface `state`: this call's writes over committed state, and a record of all reads.
//!
//! It writes nothing itself: the committer applies the writes and validates the reads.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::bindings::handoff::connector1_0_0::state;
use super::host_state::{HostState, Mode};
use handoff_model::call::{StateReadError, StateReader};
use handoff_model::effects::{ReadSet, ScannedRange};
use handoff_model::limits::CallLimits;

/// Maximum number of entries of one scan.
const SCAN_LIMIT: usize = 1_000;
/// Entries to read from the store at a time: with the largest values they are 4 MiB.
const CHUNK: usize = 64;
/// A page ends after this many bytes, so that a scan fits into a guest's memory.
const PAGE_BYTES: usize = 1 << 20;

type Writes = BTreeMap<String, Option<Vec<u8>>>;

/// State as one call sees it.
pub(super) struct State {
    reader: Arc<dyn StateReader>,
    mode: Mode,
    limits: CallLimits,
    writes: Writes,
    write_bytes: usize,
    reads: ReadSet,
    read_keys: usize,
    read_bytes: usize,
}

/// An error for the guest, or the reason to end the call.
enum Refusal {
    Guest(state::Error),
    Host(StateReadError),
}

impl From<StateReadError> for Refusal {
    fn from(error: StateReadError) -> Self {
        Self::Host(error)
    }
}

impl From<state::Error> for Refusal {
    fn from(error: state::Error) -> Self {
        Self::Guest(error)
    }
}

impl State {
    pub(super) fn new(reader: Arc<dyn StateReader>, mode: Mode, limits: CallLimits) -> Self {
        Self {
            reader,
            mode,
            limits,
            writes: Writes::new(),
            write_bytes: 0,
            reads: ReadSet::default(),
            read_keys: 0,
            read_bytes: 0,
        }
    }

    pub(super) fn finish(self) -> (Writes, ReadSet) {
        (self.writes, self.reads)
    }

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.check_key(key)?;
        if let Some(written) = self.writes.get(key) {
            return Ok(written.clone());
        }
        if !self.reads.keys.contains(key) {
            self.count_read_key()?;
            self.reads.keys.insert(key.to_owned());
        }
        let value = self.reader.get(key)?;
        self.count_read_bytes(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn write(&mut self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        self.check_key(&key)?;
        if self.mode == Mode::ReadOnly {
            return Err(limit("`validate` may read state but not write it: nothing it does is committed".to_owned()));
        }
        let size = value.as_ref().map_or(0, Vec::len);
        if size > self.limits.state_value_bytes {
            let error = format!(
                "the value of key `{}` has {size} bytes; expected at most {}: split it over several keys",
                shown(&key),
                self.limits.state_value_bytes
            );
            return Err(state::Error::ValueTooLarge(error).into());
        }
        let (keys_before, bytes_before) = match self.writes.get(&key) {
            Some(old) => (self.writes.len() - 1, self.write_bytes - key.len() - old.as_ref().map_or(0, Vec::len)),
            None => (self.writes.len(), self.write_bytes),
        };
        if keys_before >= self.limits.state_writes {
            return Err(limit(format!("a delivery writes at most {} keys", self.limits.state_writes)));
        }
        let bytes = bytes_before.saturating_add(key.len()).saturating_add(size);
        if bytes > self.limits.state_write_bytes {
            return Err(limit(format!(
                "a delivery writes at most {} bytes of keys and values; this would be {bytes}",
                self.limits.state_write_bytes
            )));
        }
        self.write_bytes = bytes;
        self.writes.insert(key, value);
        Ok(())
    }

    fn scan(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<state::Page, Refusal> {
        for (name, text) in [("prefix", Some(prefix)), ("after", after)] {
            let bytes = text.map_or(0, str::len);
            if bytes > self.limits.state_key_bytes {
                let error = format!("`{name}` has {bytes} bytes; expected at most {}", self.limits.state_key_bytes);
                return Err(state::Error::InvalidKey(error).into());
            }
        }
        let limit = usize::try_from(limit).unwrap_or(SCAN_LIMIT).clamp(1, SCAN_LIMIT);
        // An empty scan is a read too: it limits how many ranges one call can make the host remember.
        self.count_read_key()?;
        let page = self.merge(prefix, after, limit);
        // A scan that ended in an error revealed something too: the whole range counts as read.
        let last = page.as_ref().ok().filter(|page| page.more).and_then(|page| page.entries.last());
        self.reads.scans.push(ScannedRange {
            prefix: prefix.to_owned(),
            after: after.map(ToOwned::to_owned),
            until: last.map(|entry| entry.key.clone()),
        });
        page
    }

    /// Merges committed entries and this call's writes in key order; a write hides the committed entry of its key.
    fn merge(&mut self, prefix: &str, after: Option<&str>, limit: usize) -> Result<state::Page, Refusal> {
        let mut committed = Committed::new(Arc::clone(&self.reader), prefix, after);
        // Clone keys only: the loop counts reads on `self`. At most `state_writes` of them.
        let mut written: VecDeque<String> = written_keys(&self.writes, prefix, after).collect();
        let mut entries = Vec::new();
        let mut bytes = 0_usize;
        loop {
            let from_write = match (written.front(), committed.peek()?) {
                (None, None) => return Ok(state::Page { entries, more: false }),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(write), Some((key, _))) => write.as_str() <= key.as_str(),
            };
            if entries.len() >= limit || bytes >= PAGE_BYTES {
                // Deletions of this call may hide all that follows; the guest then gets an empty page.
                return Ok(state::Page { entries, more: true });
            }
            let entry = if from_write {
                let Some(key) = written.pop_front() else { continue };
                if committed.peek()?.is_some_and(|(next, _)| *next == key) {
                    committed.next();
                }
                self.writes.get(&key).cloned().flatten().map(|value| (key, value))
            } else {
                committed.next()
            };
            if let Some((key, value)) = entry {
                self.count_read_key()?;
                self.count_read_bytes(value.len())?;
                bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
                entries.push(state::Entry { key, value });
            }
        }
    }

    fn check_key(&self, key: &str) -> Result<(), state::Error> {
        if (1..=self.limits.state_key_bytes).contains(&key.len()) {
            return Ok(());
        }
        Err(state::Error::InvalidKey(format!(
            "the key has {} bytes; expected 1 to {}",
            key.len(),
            self.limits.state_key_bytes
        )))
    }

    fn count_read_key(&mut self) -> Result<(), Refusal> {
        if self.read_keys >= self.limits.state_reads {
            return Err(limit(format!("a delivery reads at most {} keys", self.limits.state_reads)));
        }
        self.read_keys += 1;
        Ok(())
    }

    fn count_read_bytes(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.read_bytes = self.read_bytes.saturating_add(bytes);
        if self.read_bytes > self.limits.state_read_bytes {
            return Err(limit(format!("a delivery reads at most {} bytes", self.limits.state_read_bytes)));
        }
        Ok(())
    }
}

/// Committed entries in order, read in chunks.
struct Committed<'a> {
    reader: Arc<dyn StateReader>,
    prefix: &'a str,
    cursor: Option<String>,
    chunk: VecDeque<(String, Vec<u8>)>,
    exhausted: bool,
}

impl<'a> Committed<'a> {
    fn new(reader: Arc<dyn StateReader>, prefix: &'a str, after: Option<&str>) -> Self {
        let cursor = after.map(ToOwned::to_owned);
        Self { reader, prefix, cursor, chunk: VecDeque::new(), exhausted: false }
    }

    fn peek(&mut self) -> Result<Option<&(String, Vec<u8>)>, StateReadError> {
        if self.chunk.is_empty() && !self.exhausted {
            let entries = self.reader.scan(self.prefix, self.cursor.as_deref(), CHUNK)?;
            self.exhausted = entries.len() < CHUNK;
            if let Some((key, _)) = entries.last() {
                self.cursor = Some(key.clone());
            }
            self.chunk = entries.into();
        }
        Ok(self.chunk.front())
    }

    fn next(&mut self) -> Option<(String, Vec<u8>)> {
        self.chunk.pop_front()
    }
}

fn written_keys<'a>(writes: &'a Writes, prefix: &'a str, after: Option<&'a str>) -> impl Iterator<Item = String> + 'a {
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    writes
        .range::<str, _>((start, Bound::Unbounded))
        .map(|(key, _)| key)
        .take_while(move |key| key.starts_with(prefix))
        .cloned()
}

fn limit(message: String) -> Refusal {
    Refusal::Guest(state::Error::LimitExceeded(message))
}

fn shown(key: &str) -> String {
    key.chars().take(64).collect()
}

/// A refusal by the rules is returned to the guest; a store error ends the call.
fn reply<T>(result: Result<T, Refusal>) -> wasmtime::Result<Result<T, state::Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Refusal::Guest(error)) => Ok(Err(error)),
        Err(Refusal::Host(error)) => Err(super::meter::Stop::from(error).into()),
    }
}

impl state::Host for HostState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, state::Error>> {
        self.meter.host_call()?;
        reply(self.state.get(&key))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), state::Error>> {
        self.meter.host_call()?;
        reply(self.state.write(key, Some(value)))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), state::Error>> {
        self.meter.host_call()?;
        reply(self.state.write(key, None))
    }

    async fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<state::Page, state::Error>> {
        self.meter.host_call()?;
        reply(self.state.scan(&prefix, after.as_deref(), limit))
    }
}
