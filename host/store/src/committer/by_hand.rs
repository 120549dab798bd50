//! A committer without a thread: a test decides when requests are taken, how many make a batch, and where in a batch
//! the process dies. Requests are decided by the same code as in production.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::StoreError;
use crate::journal::Crash;

use super::{Committer, Requests};

/// A committer that the caller drives. Dropping it acts like a killed process: there is no last checkpoint, and
/// unwritten data is lost.
pub struct ByHand {
    committer: Committer,
    requests: Requests,
}

impl ByHand {
    pub(crate) fn new(committer: Committer, requests: Requests) -> Self {
        Self { committer, requests }
    }

    /// Requests that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.requests.all.len()
    }

    /// Requests that were decided but not answered.
    pub fn unanswered(&self) -> usize {
        self.committer.answers.len()
    }

    /// Decides up to `most` requests. Their writes are visible to readers but not durable.
    pub fn take(&mut self, most: usize) {
        for _ in 0..most {
            let Some((request, _)) = self.requests.next() else { return };
            self.committer.handle(request);
        }
    }

    /// Makes the batch durable and answers its callers.
    pub fn finish(&mut self) {
        self.committer.finish_batch();
    }

    /// Takes up to `most` more requests and dies at the next write. The committer must not be used afterwards.
    pub fn die(&mut self, crash: Crash, most: usize) {
        self.committer.writer.set_crash(crash);
        // It dies, unless there is nothing to write.
        drop(catch_unwind(AssertUnwindSafe(|| {
            self.take(most);
            self.finish();
        })));
    }

    /// Ends regularly, as the thread does when all handles are dropped.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.take(usize::MAX);
        self.finish();
        self.committer.checkpoint_now()
    }
}
