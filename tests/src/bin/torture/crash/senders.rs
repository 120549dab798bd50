//! Concurrent senders, each with its own keys, that remember the responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use handoff_tests::leads::Lead;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tally::{Act, Entry};
use tokio::task::JoinHandle;

use crate::install::FIRST;
use crate::post::{Endpoint, Post};
use crate::sent::{All, SOURCE, Sent};

/// Number of entry senders, and keys per sender.
const ENTRY_SENDERS: u64 = 8;
const KEYS_EACH: u64 = 3;
/// Longest pause between two events of a sender.
const PAUSE_MS_MAX: u64 = 24;
/// Larger than an inline body of the journal.
const PAD_BYTES: usize = 9_000;

/// Running senders.
pub(crate) struct Senders {
    tasks: Vec<JoinHandle<All>>,
    /// Number of responses so far.
    pub(crate) answered: Arc<AtomicU64>,
}

impl Senders {
    /// Waits for the last responses.
    pub(crate) async fn finish(self) -> All {
        let mut all = All::default();
        for task in self.tasks {
            all.extend([task.await.expect("a sender")]);
        }
        all
    }
}

/// Starts all senders; they end soon after `stop`, when they have their responses.
pub(crate) fn start(base: &str, seed: u64, stop: &Arc<AtomicBool>) -> Senders {
    let answered = Arc::new(AtomicU64::new(0));
    let sender = |number: u64| Sender {
        endpoint: Endpoint::new(base.to_owned()),
        random: StdRng::seed_from_u64(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        number,
        stop: stop.clone(),
        answered: answered.clone(),
        all: All::default(),
    };
    let mut tasks: Vec<JoinHandle<All>> =
        (0..ENTRY_SENDERS).map(|number| tokio::spawn(sender(number).entries())).collect();
    tasks.extend((0..2).map(|number| tokio::spawn(sender(ENTRY_SENDERS + number).hooks())));
    tasks.extend((0..2).map(|number| tokio::spawn(sender(ENTRY_SENDERS + 2 + number).leads())));
    Senders { tasks, answered }
}

struct Sender {
    endpoint: Endpoint,
    random: StdRng,
    number: u64,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    all: All,
}

impl Sender {
    async fn pause(&mut self) -> bool {
        let pause = Duration::from_micros(self.random.random_range(0..PAUSE_MS_MAX * 1_000));
        tokio::time::sleep(pause).await;
        !self.stop.load(Ordering::Relaxed)
    }

    /// Posts until there is a response; sometimes abandons it instead. Sometimes posts an accepted event once more.
    async fn post(&mut self, post: &Post, gives_up_percent: u32) -> bool {
        let random = &mut self.random;
        let answered = self.endpoint.post(post, || random.random_range(0..100) < gives_up_percent).await;
        if answered {
            self.answered.fetch_add(1, Ordering::Relaxed);
            if self.random.random_range(0..100) < 5 {
                self.endpoint.post(post, || true).await;
            }
        }
        answered
    }

    /// Entries of keys, numbered without gaps.
    async fn entries(mut self) -> All {
        while self.pause().await {
            let key = format!("k{}", self.number * KEYS_EACH + self.random.random_range(0..KEYS_EACH));
            let count = if self.random.random_range(0..10) == 0 { 3 } else { 1 };
            let first = self.all.entries.get(&key).map_or(1, |sent| sent.len() + 1);
            let acts: Vec<Act> = (0..count).map(|_| self.act()).collect();
            let events: Vec<Value> = (first..).zip(&acts).map(|(number, act)| self.event(&key, number, *act)).collect();
            let post = match events.as_slice() {
                [one] => Post::events(one),
                _ => Post::events(&Value::from(events)),
            };
            let answered = self.post(&post, 20).await;
            let sent = acts.into_iter().map(|act| Sent { act, answered });
            self.all.entries.entry(key).or_default().extend(sent);
        }
        self.all
    }

    fn act(&mut self) -> Act {
        match self.random.random_range(0..100) {
            0..25 => Act::Send,
            25..35 => Act::Ring,
            35..38 => Act::Reject,
            38..42 => Act::Retry,
            42..44 => Act::Trap,
            _ => Act::Count,
        }
    }

    fn event(&mut self, key: &str, number: usize, act: Act) -> Value {
        let is_large = self.random.random_range(0..100) < 3;
        let pad = if is_large { format!("{key}/{number};").repeat(PAD_BYTES / 8) } else { String::new() };
        let number = u64::try_from(number).expect("a number");
        let entry = Entry { key: key.to_owned(), number, act, pad };
        json!({
            "specversion": "1.0", "id": format!("{key}/{number}"), "source": SOURCE, "type": tally::ENTRY,
            "subject": format!("{key}/{number}"), "partitionkey": key, "datacontenttype": "application/json",
            "data": entry,
        })
    }

    /// Webhooks to the tally, in no order.
    async fn hooks(mut self) -> All {
        let mut number = self.number * 1_000_000;
        while self.pause().await {
            number += 1;
            let entry = Entry { key: "hook".to_owned(), number, act: Act::Count, pad: String::new() };
            let post = Post::hook(FIRST, "application/json", json!(entry).to_string());
            // The effects of unknown parts could not be compared with anything.
            assert!(self.post(&post, 0).await);
            self.all.hooks.push(number);
        }
        self.all
    }

    /// Leads from web sites; sometimes one is resent with other comments.
    async fn leads(mut self) -> All {
        let mut number = self.number * 100_000;
        while self.pause().await {
            number += 1;
            let lead = Lead::new(number);
            let post = |lead: &Lead| Post::hook("web-leads", "application/xml", lead.adf());
            let answered = self.post(&post(&lead), 10).await;
            if answered && self.random.random_range(0..100) < 15 {
                self.post(&post(&lead.resent("Still interested.")), 10).await;
            }
            self.all.leads.insert(lead.id, answered);
            // Leads cost the host most: four deliveries and a request each.
            self.pause().await;
            self.pause().await;
        }
        self.all
    }
}
