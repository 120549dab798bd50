//! A clock that stands still until a test moves it, and then wakes the tasks whose time has come. Never moves by
//! itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use handoff_model::time::{Clock, Timestamp};

#[derive(Clone, Default)]
pub(super) struct HandClock(Arc<Mutex<Hand>>);

#[derive(Default)]
struct Hand {
    now: Timestamp,
    next: u64,
    /// Waiting tasks, by time and in the order in which they began to wait.
    waiting: BTreeMap<(Timestamp, u64), Waker>,
}

impl HandClock {
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hand { now, ..Hand::default() })))
    }

    /// The earliest time that a task waits for.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.0.lock().waiting.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn move_to(&self, now: Timestamp) {
        let due = {
            let mut hand = self.0.lock();
            hand.now = hand.now.max(now);
            let first_later = (hand.now.plus_ms(1), 0);
            let later = hand.waiting.split_off(&first_later);
            std::mem::replace(&mut hand.waiting, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let number = {
            let mut hand = self.0.lock();
            hand.next += 1;
            hand.next
        };
        Box::pin(Wait { clock: self.clone(), place: (at, number) })
    }
}

struct Wait {
    clock: HandClock,
    place: (Timestamp, u64),
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut hand = self.clock.0.lock();
        if hand.now >= self.place.0 {
            return Poll::Ready(());
        }
        hand.waiting.insert(self.place, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.clock.0.lock().waiting.remove(&self.place);
    }
}
