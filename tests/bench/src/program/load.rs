//! Parallel senders, and the host's own counters. It does not decide what is sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use handoff_tests::harness::{CONTROL_TOKEN, LEADS_SECRET, TestHost, body_hmac};
use handoff_tests::leads::Lead;

/// Time limit of a run.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// One request to ingress.
pub(super) struct Post {
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Post {
    /// A signed lead, prepared in advance: signing is the sender's work.
    pub(super) fn lead(lead: &Lead) -> Self {
        let body = lead.adf();
        let signature = body_hmac(LEADS_SECRET, body.as_bytes());
        let headers = vec![("x-signature", signature), ("content-type", "application/xml".to_owned())];
        Self { path: "/hooks/web-leads", headers, body }
    }
}

/// Sends all posts with several senders; returns after the last response.
///
/// # Panics
/// If a response is not 202.
pub(super) async fn send_all(host: &TestHost, posts: Vec<Post>, senders: usize) {
    let (posts, next) = (Arc::new(posts), Arc::new(AtomicUsize::new(0)));
    let base = host.url("");
    let tasks: Vec<_> = (0..senders)
        .map(|_| {
            let (posts, next, client, base) = (posts.clone(), next.clone(), host.client().clone(), base.clone());
            tokio::spawn(async move {
                while let Some(post) = posts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut request = client.post(format!("{base}{}", post.path)).body(post.body.clone());
                    for (name, value) in &post.headers {
                        request = request.header(*name, value);
                    }
                    let answer = request.send().await.expect("the host answers");
                    let status = answer.status().as_u16();
                    let text = answer.text().await.expect("a whole answer");
                    assert_eq!(status, 202, "{text}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a sender");
    }
}

/// Gets JSON from the control API.
pub(super) async fn control(host: &TestHost, path: &str) -> Value {
    serde_json::from_str(&control_text(host, path).await).expect("JSON")
}

async fn control_text(host: &TestHost, path: &str) -> String {
    let request = host.client().get(host.control_url(path)).bearer_auth(CONTROL_TOKEN);
    let answer = request.send().await.expect("the control API answers");
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.expect("a whole answer")
}

/// The label of deliveries that took effect.
const COMMITTED: &str = "outcome=\"committed\"";

/// The host's counters at one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(BTreeMap<String, u64>);

impl Counters {
    pub(super) async fn of(host: &TestHost) -> Self {
        let text = control_text(host, "/metrics").await;
        let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
        Self(samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    pub(super) fn committed(&self, installation: &str) -> u64 {
        self.sum("handoff_deliveries_total", &[&format!("{{installation=\"{installation}\","), COMMITTED])
    }

    /// Syncs and bytes of the journal.
    pub(super) fn journal(&self) -> (u64, u64) {
        (self.get("handoff_journal_batches_total"), self.get("handoff_journal_written_bytes_total"))
    }

    /// Deliveries of all installations.
    pub(super) fn all_committed(&self) -> u64 {
        self.sum("handoff_deliveries_total", &[COMMITTED])
    }

    /// Failed attempts and dead letters of all installations.
    pub(super) fn failures(&self) -> u64 {
        self.all_attempts() - self.all_committed()
    }

    fn all_attempts(&self) -> u64 {
        self.sum("handoff_deliveries_total", &[])
    }

    /// The sum of a family's samples with these labels.
    fn sum(&self, family: &str, labels: &[&str]) -> u64 {
        let is_wanted = |sample: &str| {
            sample.split('{').next() == Some(family) && labels.iter().all(|label| sample.contains(label))
        };
        self.0.iter().filter(|(sample, _)| is_wanted(sample)).map(|(_, value)| value).sum()
    }

    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

/// Waits until an installation has committed a total number of deliveries. Returns the last counters.
///
/// # Panics
/// If that does not happen in time.
pub(super) async fn wait_committed(host: &TestHost, installation: &str, wanted: u64) -> Counters {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let counters = Counters::of(host).await;
        if counters.committed(installation) >= wanted {
            return counters;
        }
        let got = counters.committed(installation);
        assert!(Instant::now() < deadline, "{installation} committed {got} of {wanted} deliveries within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// The last log position.
pub(super) async fn last_position(host: &TestHost) -> u64 {
    control(host, "/v1/status").await["lastPosition"].as_u64().expect("a position")
}
