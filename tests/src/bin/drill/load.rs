//! Sends leads at a steady rate, independent of earlier ones: real senders do not know of an upgrade. It remembers
//! which leads were accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handoff_tests::harness::{LEADS_SECRET, body_hmac};
use handoff_tests::leads::Lead;
use tokio::task::JoinHandle;

/// Concurrent senders, each with its own connection.
const SENDERS: u64 = 16;
/// Delay before a refused lead is sent again.
const AGAIN: Duration = Duration::from_millis(20);
/// A lead that is refused for this long fails the drill: the host is down.
const GIVE_UP: Duration = Duration::from_secs(60);
/// A sender that is behind by more than this skips what it has not sent.
const BEHIND_MAX: Duration = Duration::from_millis(500);

/// Running senders.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    begun: Instant,
    senders: Vec<JoinHandle<Vec<String>>>,
}

/// What was sent.
pub(crate) struct Sent {
    /// Ids of the leads that were answered with 202.
    pub(crate) leads: Vec<String>,
    /// The rate per second.
    pub(crate) rate: f64,
}

impl Load {
    /// Starts sending this many leads per second.
    pub(crate) fn start(url: String, rate: u64) -> Self {
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let interval = Duration::from_secs(SENDERS) / u32::try_from(rate).unwrap_or(u32::MAX);
        let sender = |number: u32| {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let offset = interval * number / u32::try_from(SENDERS).unwrap_or(1);
            let sender = Sender { client, url: url.clone(), stop: stop.clone(), next: next.clone() };
            tokio::spawn(sender.run(interval, offset))
        };
        let senders = (0..u32::try_from(SENDERS).unwrap_or(1)).map(sender).collect();
        Self { stop, begun: Instant::now(), senders }
    }

    /// Stops after every pending lead is answered.
    pub(crate) async fn finish(self) -> Sent {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.stop.store(true, Ordering::Relaxed);
        let mut leads = Vec::new();
        for sender in self.senders {
            leads.extend(sender.await.expect("a sender"));
        }
        let rate = f64::from(u32::try_from(leads.len()).unwrap_or(u32::MAX)) / seconds;
        Sent { leads, rate }
    }
}

struct Sender {
    client: reqwest::Client,
    url: String,
    stop: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
}

impl Sender {
    async fn run(self, interval: Duration, offset: Duration) -> Vec<String> {
        let mut taken = Vec::new();
        let mut due = Instant::now() + offset;
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
            due = (due + interval).max(Instant::now().checked_sub(BEHIND_MAX).unwrap_or(due));
            let lead = Lead::new(self.next.fetch_add(1, Ordering::Relaxed));
            if self.post(&lead).await {
                taken.push(lead.id);
            }
        }
        taken
    }

    /// Sends a lead until it is accepted.
    async fn post(&self, lead: &Lead) -> bool {
        let body = lead.adf();
        let signature = body_hmac(LEADS_SECRET, body.as_bytes());
        let deadline = Instant::now() + GIVE_UP;
        while Instant::now() < deadline {
            let request = self.client.post(&self.url).body(body.clone());
            let request = request.header("x-signature", &signature).header("content-type", "application/xml");
            let status = request.send().await.map(|answer| answer.status().as_u16());
            match status {
                Ok(202) => return true,
                Ok(429 | 503) | Err(_) => tokio::time::sleep(AGAIN).await,
                Ok(other) => panic!("status {other} for lead {}", lead.id),
            }
        }
        false
    }
}
