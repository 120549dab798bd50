//! What is at work for each installation, and who wants it to be quiet. Counts and gates; delivers nothing itself.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::names::InstallationId;

/// The work of all installations.
#[derive(Default)]
pub(super) struct AllWork(Mutex<HashMap<InstallationId, Arc<Work>>>);

/// The work of one installation.
#[derive(Default)]
pub(super) struct Work {
    // Held for two numbers, never across an await.
    numbers: Mutex<Numbers>,
    /// Nothing is at work any more, and somebody waits for that.
    idle: Notify,
    /// For the dispatcher: nobody wants quiet any more, or somebody waits no longer for those at work.
    bell: Notify,
}

#[derive(Default)]
struct Numbers {
    at_work: u32,
    quiets: u32,
    /// Of these, how many wait no longer.
    cuts: u32,
}

impl AllWork {
    pub(super) fn of(&self, id: InstallationId) -> Arc<Work> {
        self.0.lock().entry(id).or_default().clone()
    }
}

impl Work {
    /// One more delivery begins. False if somebody wants quiet: then it must not begin.
    pub(super) fn begin(&self) -> bool {
        let mut numbers = self.numbers.lock();
        if numbers.quiets > 0 {
            return false;
        }
        numbers.at_work = numbers.at_work.saturating_add(1);
        true
    }

    /// Deliveries are over.
    pub(super) fn end(&self, count: u32) {
        let mut numbers = self.numbers.lock();
        numbers.at_work = numbers.at_work.saturating_sub(count);
        if numbers.at_work == 0 && numbers.quiets > 0 {
            self.idle.notify_waiters();
        }
    }

    pub(super) fn at_work(&self) -> u32 {
        self.numbers.lock().at_work
    }

    pub(super) fn wants_quiet(&self) -> bool {
        self.numbers.lock().quiets > 0
    }

    /// What is at work is to be dropped: it stays in its queue and is delivered again.
    pub(super) fn wants_cut(&self) -> bool {
        self.numbers.lock().cuts > 0
    }

    /// Rings when deliveries may begin again, or are to be cut off.
    pub(super) async fn rings(&self) {
        self.bell.notified().await;
    }

    async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.at_work() == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// While it lives, no delivery of its installation begins.
#[must_use = "deliveries go on as soon as it is dropped"]
pub struct Quiet {
    work: Arc<Work>,
    has_cut: bool,
}

impl Quiet {
    /// Stops new deliveries and waits for the end of those at work; once `patience` is over, cuts them off.
    pub(super) async fn begin(work: Arc<Work>, patience: impl Future<Output = ()>) -> Self {
        work.numbers.lock().quiets += 1;
        // Made before the wait: whoever gives up waiting ends the quiet.
        let mut quiet = Self { work, has_cut: false };
        let is_idle = tokio::select! {
            biased;
            () = quiet.work.idle() => true,
            () = patience => false,
        };
        if !is_idle {
            quiet.has_cut = true;
            quiet.work.numbers.lock().cuts += 1;
            quiet.work.bell.notify_one();
            quiet.work.idle().await;
        }
        quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut numbers = self.work.numbers.lock();
        numbers.quiets = numbers.quiets.saturating_sub(1);
        numbers.cuts = numbers.cuts.saturating_sub(u32::from(self.has_cut));
        if numbers.quiets == 0 {
            self.work.bell.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::future::{pending, ready};

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn quiet_begins_when_the_last_delivery_ends_and_ends_with_its_guard() {
        let work = AllWork::default().of(InstallationId(1));
        assert!(work.begin() && work.begin());
        let mut quiet = Box::pin(Quiet::begin(work.clone(), pending()));
        assert!(quiet.as_mut().now_or_never().is_none(), "two are at work");
        assert!(!work.begin(), "no other begins meanwhile");
        work.end(1);
        assert!(quiet.as_mut().now_or_never().is_none(), "one is at work");
        work.end(1);
        let first = quiet.now_or_never().unwrap();
        let second = Quiet::begin(work.clone(), pending()).now_or_never().unwrap();
        drop(first);
        assert!(!work.begin(), "the second still wants quiet");
        assert!(work.rings().now_or_never().is_none());
        drop(second);
        assert!(work.rings().now_or_never().is_some(), "the dispatcher is woken");
        assert!(work.begin());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_for_quiet_does_not_leave_it_behind() {
        let work = AllWork::default().of(InstallationId(1));
        assert!(work.begin());
        let mut quiet = Box::pin(Quiet::begin(work.clone(), pending()));
        assert!(quiet.as_mut().now_or_never().is_none());
        drop(quiet);
        assert!(work.begin());
    }

    #[tokio::test]
    async fn who_hangs_is_cut_off_once_patience_is_over() {
        let work = AllWork::default().of(InstallationId(1));
        assert!(work.begin() && !work.wants_cut());
        let mut quiet = Box::pin(Quiet::begin(work.clone(), ready(())));
        assert!(quiet.as_mut().now_or_never().is_none());
        assert!(work.wants_cut() && work.rings().now_or_never().is_some(), "the dispatcher is told");
        work.end(1);
        drop(quiet.now_or_never().unwrap());
        assert!(!work.wants_cut() && work.begin());
    }
}
