//! What is at work for each installation, since when, and who wants it to be quiet. Counts and gates; delivers nothing itself.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id};

use handoff_model::names::{Generation, InstallationId};

use super::running::Running;

/// The work of all installations.
#[derive(Default)]
pub(super) struct AllWork(Mutex<HashMap<InstallationId, Arc<Work>>>);

/// The work of one installation.
#[derive(Default)]
pub(super) struct Work {
    // Held for a few numbers, never across an await.
    numbers: Mutex<Numbers>,
    /// Nothing is at work any more, and somebody waits for that.
    idle: Notify,
    /// For the dispatcher: nobody wants quiet any more.
    bell: Notify,
}

#[derive(Default)]
struct Numbers {
    at_work: u32,
    quiets: u32,
    /// Of these, how many wait no longer.
    cuts: u32,
    /// Generations that are being left.
    left: Vec<Generation>,
    /// What is at work.
    tasks: HashMap<Id, Task>,
    /// Somebody wants to hear of the next that begins.
    wants_next: bool,
}

/// A delivery at work.
struct Task {
    handle: AbortHandle,
    generation: Generation,
    running: Arc<Running>,
}

/// Calls that have worked for longer than a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overdue {
    /// How many.
    pub(super) count: u64,
    /// How long the newest of them has worked, in microseconds.
    pub(super) shortest_us: u64,
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

    /// What is at work stays in its queue and is delivered again.
    fn cut(&self) {
        self.tasks.values().for_each(|task| task.handle.abort());
    }
}

impl Work {
    /// One more delivery to a generation begins. False if somebody wants quiet: then it must not begin.
    pub(super) fn begin(&self, generation: Generation) -> bool {
        let mut numbers = self.numbers.lock();
        let may_begin = numbers.may_begin(generation);
        numbers.at_work = numbers.at_work.saturating_add(u32::from(may_begin));
        may_begin
    }

    /// It has begun: whoever wants quiet at once can cut it off. True if somebody wanted to hear of it.
    pub(super) fn begun(&self, handle: AbortHandle, generation: Generation, running: Arc<Running>) -> bool {
        let mut numbers = self.numbers.lock();
        if numbers.cuts > 0 || numbers.left.contains(&generation) {
            handle.abort();
        }
        numbers.tasks.insert(handle.id(), Task { handle, generation, running });
        std::mem::take(&mut numbers.wants_next)
    }

    /// Deliveries to a generation at which its connector has worked for longer than `bound_us` by now.
    pub(super) fn overdue(&self, generation: Generation, now_us: u64, bound_us: u64) -> Overdue {
        let numbers = self.numbers.lock();
        let own = numbers.tasks.values().filter(|task| task.generation == generation);
        let over = own.filter_map(|task| task.running.for_us(now_us)).filter(|us| *us > bound_us);
        over.fold(Overdue::default(), |all, us| Overdue {
            count: all.count + 1,
            shortest_us: if all.count == 0 { us } else { all.shortest_us.min(us) },
        })
    }

    /// In how many microseconds the next delivery to a generation can be at work for longer than `bound_us`. None if it
    /// takes one that has not begun: [`Work::begun`] says so then.
    pub(super) fn next_overdue(&self, generation: Generation, now_us: u64, bound_us: u64) -> Option<u64> {
        let mut numbers = self.numbers.lock();
        let own = numbers.tasks.values().filter(|task| task.generation == generation);
        // One whose connector does not work yet may begin now.
        let next = own.map(|task| task.running.for_us(now_us).unwrap_or(0)).filter(|us| *us <= bound_us).max();
        numbers.wants_next = next.is_none();
        next.map(|us| bound_us.saturating_sub(us).saturating_add(1))
    }

    /// A delivery is over.
    pub(super) fn end(&self, task: Id) {
        let mut numbers = self.numbers.lock();
        numbers.tasks.remove(&task);
        numbers.at_work = numbers.at_work.saturating_sub(1);
        if numbers.at_work == 0 && numbers.quiets > 0 {
            self.idle.notify_waiters();
        }
    }

    pub(super) fn at_work(&self) -> u32 {
        self.numbers.lock().at_work
    }

    /// No delivery to a generation may begin.
    pub(super) fn wants_quiet(&self, generation: Generation) -> bool {
        !self.numbers.lock().may_begin(generation)
    }

    /// Rings when deliveries may begin again.
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

/// While it lives, no delivery to a generation begins; to another one they do.
#[must_use = "deliveries to the generation go on as soon as it is dropped"]
pub struct Leaving {
    work: Arc<Work>,
    generation: Generation,
}

impl Leaving {
    /// Cuts off what is at work, and waits for nothing.
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
        // Another one may leave the same generation.
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
        assert!(quiet.as_mut().now_or_never().is_none(), "two are at work");
        assert!(!work.begin(ONE), "no other begins meanwhile");
        work.end(one.id());
        assert!(quiet.as_mut().now_or_never().is_none(), "one is at work");
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
    async fn what_goes_to_a_generation_that_is_left_is_cut_off_and_what_goes_to_another_begins() {
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
