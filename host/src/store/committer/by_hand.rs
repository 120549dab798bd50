//! The committer without its thread: a test decides when requests are taken, how many make a batch, and where in a batch
//! the process dies. Decides nothing about requests: that is the same code as in production.

use tokio::sync::mpsc;

use super::{Committer, Request};

/// Where in a batch the process dies. Answers that were not given before never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Before the batch was written.
    BeforeWrite,
    /// While it was written: so many parts of 256 of it are in the file.
    Torn(u8),
    /// When it was durable, before anyone was told.
    BeforeAnswers,
}

/// A committer in the caller's hand.
pub(crate) struct ByHand {
    committer: Committer,
    requests: mpsc::Receiver<Request>,
}

impl ByHand {
    pub(in crate::store) fn new(committer: Committer, requests: mpsc::Receiver<Request>) -> Self {
        Self { committer, requests }
    }

    /// Requests that wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.requests.len()
    }

    /// Requests that were decided and are not answered.
    pub(crate) fn unanswered(&self) -> usize {
        self.committer.answers.len()
    }

    /// Decides up to `most` requests. What they write is visible to readers and not durable.
    pub(crate) fn take(&mut self, most: usize) {
        for _ in 0..most {
            let Ok(request) = self.requests.try_recv() else { return };
            self.committer.handle(request);
        }
    }

    /// Makes the batch durable and answers everyone in it.
    pub(crate) fn finish(&mut self) {
        self.committer.finish_batch();
    }

    /// Ends as a killed process does: no last checkpoint, and what was not written is gone.
    pub(crate) fn crash(mut self, crash: Crash) {
        match crash {
            Crash::BeforeWrite => {}
            Crash::Torn(part) => {
                let bytes = self.committer.writer.pending_bytes() * usize::from(part) / 256;
                self.committer.writer.tear(bytes).expect("the file takes what is written");
            }
            Crash::BeforeAnswers => self.committer.sync_now().expect("the file takes what is written"),
        }
    }

    /// Ends in order, as the thread does when every handle is gone.
    pub(crate) fn close(mut self) {
        self.take(usize::MAX);
        self.committer.finish_batch();
        self.committer.checkpoint_now().expect("the last checkpoint");
    }
}
