//! A journal that behaves like a remote database: it is slow, it loses answers of requests that succeeded, and at some
//! point it reports that another process leads.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::journal::{
    AddFile, Blobs, FrameMeaning, Journal, JournalError, Location, Loss, MemoryJournal, Segment, Tail, Visit,
    WriteExport, Writer,
};

/// The duration of each batch.
const SLOW: Duration = Duration::from_millis(3);

pub(super) struct Unreliable {
    inner: MemoryJournal,
    /// Batches until another process leads.
    batches_left: Arc<AtomicU64>,
}

impl Unreliable {
    pub(super) fn new(inner: MemoryJournal) -> Self {
        Self::led_for(inner, u64::MAX)
    }

    /// A journal that another process leads after some batches.
    pub(super) fn led_for(inner: MemoryJournal, batches: u64) -> Self {
        Self { inner, batches_left: Arc::new(AtomicU64::new(batches)) }
    }
}

impl Journal for Unreliable {
    fn replay(&self, from: Option<Location>, visit: &mut Visit<'_>) -> Result<Tail, JournalError> {
        self.inner.replay(from, visit)
    }

    fn writer(&self, tail: Tail) -> Result<Box<dyn Writer>, JournalError> {
        let inner = self.inner.writer(tail)?;
        Ok(Box::new(UnreliableWriter { inner, batches_left: self.batches_left.clone(), batch: 0, is_taken: false }))
    }

    fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        self.inner.read(at)
    }

    fn scan(&self, range: Range<Location>, visit: &mut Visit<'_>) -> Result<Location, JournalError> {
        self.inner.scan(range, visit)
    }

    fn segments(&self) -> Result<Vec<Segment>, JournalError> {
        self.inner.segments()
    }

    fn retire(&self, stands_for: Location, before: u64, export: &mut WriteExport<'_>) -> Result<(), JournalError> {
        self.inner.retire(stands_for, before, export)
    }

    fn export(&self) -> Result<Option<Box<dyn Read + Send>>, JournalError> {
        self.inner.export()
    }

    fn blobs(&self) -> &dyn Blobs {
        self.inner.blobs()
    }

    fn back_up(&self, end: Location, add: &mut AddFile<'_>) -> Result<(), JournalError> {
        self.inner.back_up(end, add)
    }

    fn repair(&self, accept: bool, meaning: &FrameMeaning<'_>) -> Result<Vec<Loss>, JournalError> {
        self.inner.repair(accept, meaning)
    }
}

struct UnreliableWriter {
    inner: Box<dyn Writer>,
    batches_left: Arc<AtomicU64>,
    batch: u64,
    /// The batch was accepted although the answer was lost: if it is submitted again, it is recognized.
    is_taken: bool,
}

impl Writer for UnreliableWriter {
    fn push(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        self.inner.push(payload)
    }

    fn submit(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.is_taken) {
            return Ok(());
        }
        let take = |left: u64| left.checked_sub(1);
        if self.batches_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(JournalError::NotLeader("another process took the lease".to_owned()));
        }
        std::thread::park_timeout(SLOW);
        self.inner.submit()?;
        self.batch += 1;
        if self.batch.is_multiple_of(3) {
            return Ok(());
        }
        self.is_taken = true;
        Err(JournalError::Blocked("the answer was lost".to_owned()))
    }

    fn durable(&mut self, wait: bool) -> Result<Location, JournalError> {
        self.inner.durable(wait)
    }
}
