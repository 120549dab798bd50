//! The deliveries in flight of each installation, since when they run, and who has stopped them. Counts and gates;
//! delivers nothing itself.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id};

use handoff_model::names::{Generation, InstallationId};

use super::running::Running;

/// The deliveries in flight of all installations.
#[derive(Default)]
pub(super) struct AllWork(Mutex<HashMap<InstallationId, Arc<Work>>>);

/// The deliveries in flight of one installation.
#[derive(Default)]
pub(super) struct Work {
    // Locked to read or change a few numbers, never across an await.
    numbers: Mutex<Numbers>,
    /// Notified when no delivery is in flight any more.
    idle: Notify,
    /// Notifies the dispatcher that deliveries may start again.
    bell: Notify,
}

#[derive(Default)]
struct Numbers {
    active: u32,
    quiets: u32,
    /// How many of these have stopped waiting and abort deliveries.
    cuts: u32,
    /// Generations that are about to be replaced.
    left: Vec<Generation>,
    /// Deliveries in flight, in the order of their start, which is also the order in which they are aborted. They are few.
    tasks: Vec<Task>,
    /// Report the next delivery that starts.
    wants_next: bool,
}

/// A delivery in flight.
struct Task {
    handle: AbortHandle,
    generation: Generation,
    running: Arc<Running>,
}

impl AllWork {
    pub(super) fn of(&self, id: InstallationId) -> Arc<Work> {
        self.0.lock().entry(id).or_default().clone()
    }
}

impl Numbers {
    fn may_begin(&self, generation: Generation) -> bool {
        self.quiets == 0 && !self.left.contains(&generation)
    }

    /// Aborts the deliveries in flight. They stay in their queues and are delivered again.
    fn cut(&self) {
        self.tasks.iter().for_each(|task| task.handle.abort());
    }
}

impl Work {
    /// Counts one more delivery to a generation. Returns false if deliveries are stopped: then it must not start.
    pub(super) fn begin(&self, generation: Generation) -> bool {
        let mut numbers = self.numbers.lock();
        let may_begin = numbers.may_begin(generation);
        numbers.active = numbers.active.saturating_add(u32::from(may_begin));
        may_begin
    }

    /// Registers a started delivery, so that it can be aborted. Returns true if the start is to be reported.
    pub(super) fn begun(&self, handle: AbortHandle, generation: Generation, running: Arc<Running>) -> bool {
        let mut numbers = self.numbers.lock();
        if numbers.cuts > 0 || numbers.left.contains(&generation) {
            handle.abort();
        }
        numbers.tasks.push(Task { handle, generation, running });
        std::mem::take(&mut numbers.wants_next)
    }

    /// The number of deliveries to a generation that have been running for longer than `bound_us`.
    pub(super) fn overdue(&self, generation: Generation, now_us: u64, bound_us: u64) -> u64 {
        let numbers = self.numbers.lock();
        let own = numbers.tasks.iter().filter(|task| task.generation == generation);
        let over = own.filter_map(|task| task.running.for_us(now_us)).filter(|us| *us > bound_us);
        u64::try_from(over.count()).unwrap_or(u64::MAX)
    }

    /// In how many microseconds the next delivery to a generation can have been running for longer than `bound_us`.
    /// `None` if only a delivery that has not started can: [`Work::begun`] reports it then.
    pub(super) fn next_overdue(&self, generation: Generation, now_us: u64, bound_us: u64) -> Option<u64> {
        let mut numbers = self.numbers.lock();
        let own = numbers.tasks.iter().filter(|task| task.generation == generation);
        // A connector that is not running yet may start now.
        let next = own.map(|task| task.running.for_us(now_us).unwrap_or(0)).filter(|us| *us <= bound_us).max();
        numbers.wants_next = next.is_none();
        next.map(|us| bound_us.saturating_sub(us).saturating_add(1))
    }

    /// Removes a delivery that is over.
    pub(super) fn end(&self, task: Id) {
        let mut numbers = self.numbers.lock();
        numbers.tasks.retain(|known| known.handle.id() != task);
        numbers.active = numbers.active.saturating_sub(1);
        if numbers.active == 0 && numbers.quiets > 0 {
            self.idle.notify_waiters();
        }
    }

    pub(super) fn active(&self) -> u32 {
        self.numbers.lock().active
    }

    /// Whether no delivery to a generation may start.
    pub(super) fn wants_quiet(&self, generation: Generation) -> bool {
        !self.numbers.lock().may_begin(generation)
    }

    /// Waits until deliveries may start again.
    pub(super) async fn rings(&self) {
        self.bell.notified().await;
    }

    fn cut(&self) {
        let mut numbers = self.numbers.lock();
        numbers.cuts += 1;
        numbers.cut();
    }

    async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.active() == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// While it lives, no delivery of its installation starts.
#[must_use = "deliveries go on as soon as it is dropped"]
pub struct Quiet {
    work: Arc<Work>,
    has_cut: bool,
}

impl Quiet {
    /// Stops new deliveries and waits for those in flight; aborts them once `patience` is over.
    pub(super) async fn begin(work: Arc<Work>, patience: impl Future<Output = ()>) -> Self {
        work.numbers.lock().quiets += 1;
        // Created before the wait, so that cancelling the wait lets deliveries continue.
        let mut quiet = Self { work, has_cut: false };
        let is_idle = tokio::select! {
            biased;
            () = quiet.work.idle() => true,
            () = patience => false,
        };
        if !is_idle {
            quiet.has_cut = true;
            quiet.work.cut();
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

/// While it lives, no delivery to one generation starts; deliveries to others do.
#[must_use = "deliveries to the generation go on as soon as it is dropped"]
pub struct Leaving {
    work: Arc<Work>,
    generation: Generation,
}

impl Leaving {
    /// Aborts deliveries in flight, without waiting for them to end.
    pub(super) fn begin(work: Arc<Work>, generation: Generation) -> Self {
        let mut numbers = work.numbers.lock();
        numbers.left.push(generation);
        numbers.cut();
        drop(numbers);
        Self { work, generation }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut numbers = self.work.numbers.lock();
        // Another guard may block the same generation.
        if let Some(place) = numbers.left.iter().position(|left| *left == self.generation) {
            numbers.left.swap_remove(place);
        }
        self.work.bell.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::future::{pending, ready};

    use futures_util::FutureExt as _;
    use tokio::task::JoinHandle;

    use super::*;
    use handoff_model::time::SystemClock;

    const ONE: Generation = Generation(1);

    /// A delivery that never ends by itself.
    fn begin(work: &Work, generation: Generation) -> Option<JoinHandle<()>> {
        work.begin(generation).then(|| {
            let task = tokio::spawn(pending());
            work.begun(task.abort_handle(), generation, Running::new(Arc::new(SystemClock)));
            task
        })
    }

    #[tokio::test]
    async fn quiet_begins_when_the_last_delivery_ends_and_ends_with_its_guard() {
        let work = AllWork::default().of(InstallationId(1));
        let (one, other) = (begin(&work, ONE).unwrap(), begin(&work, ONE).unwrap());
        let mut quiet = Box::pin(Quiet::begin(work.clone(), pending()));
        assert!(quiet.as_mut().now_or_never().is_none(), "two are active");
        assert!(!work.begin(ONE), "no other begins meanwhile");
        work.end(one.id());
        assert!(quiet.as_mut().now_or_never().is_none(), "one is active");
        work.end(other.id());
        let first = quiet.now_or_never().unwrap();
        let second = Quiet::begin(work.clone(), pending()).now_or_never().unwrap();
        drop(first);
        assert!(!work.begin(ONE), "the second still wants quiet");
        assert!(work.rings().now_or_never().is_none());
        drop(second);
        assert!(work.rings().now_or_never().is_some(), "the dispatcher is woken");
        assert!(work.begin(ONE));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_for_quiet_does_not_leave_it_behind() {
        let work = AllWork::default().of(InstallationId(1));
        assert!(work.begin(ONE));
        let mut quiet = Box::pin(Quiet::begin(work.clone(), pending()));
        assert!(quiet.as_mut().now_or_never().is_none());
        drop(quiet);
        assert!(work.begin(ONE));
    }

    #[tokio::test]
    async fn who_hangs_is_cut_off_once_patience_is_over() {
        let work = AllWork::default().of(InstallationId(1));
        let hangs = begin(&work, ONE).unwrap();
        let id = hangs.id();
        let mut quiet = Box::pin(Quiet::begin(work.clone(), ready(())));
        assert!(quiet.as_mut().now_or_never().is_none());
        assert!(hangs.await.unwrap_err().is_cancelled());
        work.end(id);
        drop(quiet.now_or_never().unwrap());
        assert!(begin(&work, ONE).unwrap().now_or_never().is_none(), "it is not cut off any more");
    }

    #[tokio::test]
    async fn a_swap_cancels_deliveries_of_the_old_generation_only() {
        let work = AllWork::default().of(InstallationId(1));
        let (old, late) = (begin(&work, ONE).unwrap(), work.begin(ONE));
        let (leaving, again) = (Leaving::begin(work.clone(), ONE), Leaving::begin(work.clone(), ONE));
        assert!(old.await.unwrap_err().is_cancelled());
        let late = late.then(|| tokio::spawn(pending::<()>())).unwrap();
        work.begun(late.abort_handle(), ONE, Running::new(Arc::new(SystemClock)));
        assert!(late.await.unwrap_err().is_cancelled(), "it was about to begin");
        assert!(work.wants_quiet(ONE) && !work.begin(ONE) && begin(&work, Generation(2)).is_some());
        drop(leaving);
        assert!(!work.begin(ONE) && work.rings().now_or_never().is_some());
        drop(again);
        assert!(work.begin(ONE) && work.rings().now_or_never().is_some());
    }
}
