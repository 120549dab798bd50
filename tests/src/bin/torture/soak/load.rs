//! Senders at a given rate: half of their events are entries of tallies, which send requests to the CRM, and half are
//! leads of the same few hundred people with changed comments, so that the connectors' state does not grow.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use handoff_tests::leads::Lead;
use handoff_tests::simulators::recorder::Observer;
use serde_json::json;
use tally::{Act, Entry};
use tokio::task::JoinHandle;

use crate::post::{Endpoint, Post};
use crate::sent::{All, SOURCE, Sent};

/// Concurrent senders.
const SENDERS: u64 = 16;
/// Keys and people per sender.
const KEYS_EACH: u64 = 8;
const LEADS_EACH: u64 = 25;
/// Polling interval of an idle sender.
const IDLE: Duration = Duration::from_millis(20);

/// The rate of all senders together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// As fast as responses arrive.
    Full,
    /// Events per second; 0 sends none.
    PerSecond(f64),
    /// Stop.
    End,
}

/// Times of the events that were completed since the last sample.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// From the post to the 202, in milliseconds.
    pub(super) taken: Vec<f64>,
    /// From the post to the effect at the CRM.
    pub(super) delivered: Vec<f64>,
}

#[derive(Default)]
struct Shared {
    /// Microseconds between two events of a sender; 0 is no delay, the largest number sends no event.
    interval_us: AtomicU64,
    ended: std::sync::atomic::AtomicBool,
    answered: AtomicU64,
    /// When each entry was first posted.
    posted: Mutex<HashMap<(String, u64), Instant>>,
    times: Mutex<Times>,
}

/// All senders.
#[derive(Clone)]
pub(super) struct Load(Arc<Shared>);

/// Running senders.
pub(super) struct Senders(Vec<JoinHandle<All>>);

impl Senders {
    pub(super) async fn finish(self) -> All {
        let mut all = All::default();
        for task in self.0 {
            all.extend([task.await.expect("a sender")]);
        }
        all
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

impl Load {
    pub(super) fn new() -> Self {
        let load = Self(Arc::default());
        load.set(Pace::PerSecond(0.0));
        load
    }

    /// The CRM's callback for effects.
    pub(super) fn observer(&self) -> Observer {
        let shared = self.0.clone();
        Box::new(move |_, body| {
            let (Some(key), Some(number)) = (body["key"].as_str(), body["number"].as_u64()) else { return };
            if let Some(posted) = lock(&shared.posted).remove(&(key.to_owned(), number)) {
                lock(&shared.times).delivered.push(ms(posted.elapsed()));
            }
        })
    }

    pub(super) fn set(&self, pace: Pace) {
        let interval = match pace {
            Pace::Full => 0,
            Pace::PerSecond(rate) if rate > 0.0 => {
                let interval = Duration::from_secs_f64(f64::from(u32::try_from(SENDERS).unwrap_or(1)) / rate);
                u64::try_from(interval.as_micros()).unwrap_or(u64::MAX - 1).max(1)
            }
            Pace::PerSecond(_) | Pace::End => u64::MAX,
        };
        self.0.interval_us.store(interval, Ordering::Relaxed);
        self.0.ended.store(pace == Pace::End, Ordering::Relaxed);
    }

    /// Number of events answered with 202 so far.
    pub(super) fn answered(&self) -> u64 {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// The times since the last sample.
    pub(super) fn take_times(&self) -> Times {
        std::mem::take(&mut *lock(&self.0.times))
    }

    pub(super) fn start(&self, base: &str) -> Senders {
        let sender = |number| {
            let endpoint = Endpoint::new(base.to_owned());
            Sender { shared: self.0.clone(), endpoint, number, events: 0, all: All::default() }
        };
        Senders((0..SENDERS).map(|number| tokio::spawn(sender(number).run())).collect())
    }
}

struct Sender {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    number: u64,
    events: u64,
    all: All,
}

impl Sender {
    async fn run(mut self) -> All {
        let mut next = Instant::now();
        while !self.shared.ended.load(Ordering::Relaxed) {
            let interval = self.shared.interval_us.load(Ordering::Relaxed);
            let now = Instant::now();
            if interval == u64::MAX {
                next = now;
                tokio::time::sleep(IDLE).await;
                continue;
            }
            // If it is more than a second behind, for example after a restart, it skips the missed events.
            next = next.max(now.checked_sub(Duration::from_secs(1)).unwrap_or(now));
            if next > now {
                tokio::time::sleep(next - now).await;
            }
            next += Duration::from_micros(interval);
            self.events += 1;
            if self.events.is_multiple_of(2) { self.entry().await } else { self.lead().await }
        }
        self.all
    }

    async fn entry(&mut self) {
        let key = format!("s{}k{}", self.number, self.events / 2 % KEYS_EACH * 2 + 1);
        let numbers = self.all.entries.entry(key.clone()).or_default();
        numbers.push(Sent { act: Act::Send, answered: true });
        let number = u64::try_from(numbers.len()).expect("a number");
        let entry = Entry { key: key.clone(), number, act: Act::Send, pad: String::new() };
        let event = json!({
            "specversion": "1.0", "id": format!("{key}/{number}"), "source": SOURCE, "type": tally::ENTRY,
            "subject": format!("{key}/{number}"), "partitionkey": key, "datacontenttype": "application/json",
            "data": entry,
        });
        lock(&self.shared.posted).insert((key, number), Instant::now());
        self.post(&Post::events(&event)).await;
    }

    async fn lead(&mut self) {
        let who = self.number * 1_000 + self.events / 2 % LEADS_EACH;
        let lead = Lead::new(who);
        let is_known = self.all.leads.insert(lead.id.clone(), true).is_some();
        let words = format!("Still interested, for the {}th time.", self.events / 2);
        let lead = if is_known { lead.resent(&words) } else { lead };
        self.post(&Post::hook("web-leads", "application/xml", lead.adf())).await;
    }

    async fn post(&mut self, post: &Post) {
        let posted = Instant::now();
        assert!(self.endpoint.post(post, || false).await);
        lock(&self.shared.times).taken.push(ms(posted.elapsed()));
        self.shared.answered.fetch_add(1, Ordering::Relaxed);
    }
}
