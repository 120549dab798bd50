//! The committer without its thread: a test decides when requests are taken, how many make a batch, and where in a batch the
//! process dies. Requests are decided by the same code as in production.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::StoreError;
use crate::journal::Crash;

use super::{Committer, Requests};

/// A committer that the caller drives. Dropped, it ends as a killed process does: without a last checkpoint, and what was not
/// written is lost.
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

    /// Requests that were decided and are not answered.
    pub fn unanswered(&self) -> usize {
        self.committer.answers.len()
    }

    /// Decides up to `most` requests. What they write is visible to readers and not durable.
    pub fn take(&mut self, most: usize) {
        for _ in 0..most {
            let Some((request, _)) = self.requests.next() else { return };
            self.committer.handle(request);
        }
    }

    /// Makes the batch durable and answers everyone in it.
    pub fn finish(&mut self) {
        self.committer.finish_batch();
    }

    /// Takes up to `most` requests more, and dies when it next writes. It must not be asked for anything afterwards.
    pub fn die(&mut self, crash: Crash, most: usize) {
        self.committer.writer.set_crash(crash);
        // It dies, unless there was nothing to write.
        drop(catch_unwind(AssertUnwindSafe(|| {
            self.take(most);
            self.finish();
        })));
    }

    /// Ends in order, as the thread does when every handle is gone.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.take(usize::MAX);
        self.finish();
        self.committer.checkpoint_now()
    }
}
