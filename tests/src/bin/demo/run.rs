//! Carries out the plan: posts, drops, waits, and records times. It checks nothing.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use handoff_tests::harness::{TestHost, eventually};
use handoff_tests::simulators::crm::{Crm, Ledger};
use serde_json::json;

use crate::plan::{Batch, Plan, Way};
use crate::tell::say;

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Documents.
    pub(crate) documents: usize,
    /// Leads in posted documents, with the time of the 202.
    pub(crate) taken_at: BTreeMap<String, SystemTime>,
    /// Number of responses that said "known".
    pub(crate) duplicates: u64,
    positions: BTreeMap<&'static str, u64>,
    marks: std::collections::BTreeSet<String>,
}

impl Sent {
    /// Number of distinct leads so far.
    pub(crate) fn leads(&self) -> usize {
        self.marks.len()
    }

    /// Log position of the first posted document of a kind.
    pub(crate) fn first_position(&self, what: &str) -> Option<u64> {
        self.positions.get(what).copied()
    }
}

/// Sends all documents, one after the other.
pub(crate) async fn send(host: &TestHost, batches: &[Batch], sent: &mut Sent) {
    for batch in batches {
        let begun = std::time::Instant::now();
        for document in &batch.documents {
            sent.documents += 1;
            sent.marks.extend(document.marks.iter().cloned());
            match &document.way {
                Way::Dropped(name) => host.drop_file(name, &document.body),
                Way::Posted => {
                    let answer = host.post_lead(&document.body).await.expect(202);
                    let now = SystemTime::now();
                    sent.duplicates += answer.json()["duplicates"].as_u64().unwrap_or(0);
                    sent.positions.entry(batch.what).or_insert_with(|| answer.position());
                    for mark in &document.marks {
                        sent.taken_at.entry(mark.clone()).or_insert(now);
                    }
                }
            }
        }
        let count = batch.documents.len();
        say(&format!("{count:>4} {:<48} {:>5} ms", batch.what, begun.elapsed().as_millis()));
    }
}

/// Waits until all leads are on the list.
pub(crate) async fn settle(host: &TestHost, crm: &Crm, leads: usize) {
    let ledger = crm.wait("all leads", Duration::from_secs(120), |ledger| ledger.entries.len() >= leads).await;
    host.quiet().await;
    say(&format!("{} leads are on the BDC call list", ledger.entries.len()));
}

/// Waits until the folder is empty.
pub(crate) async fn all_files_taken(host: &TestHost) {
    eventually("an empty inbox", async || {
        let files = std::fs::read_dir(host.inbox()).ok()?.flatten().filter(|entry| entry.path().is_file()).count();
        (files == 0).then_some(())
    })
    .await;
}

/// Some customers opt out before they send another lead.
pub(crate) async fn opt_out(host: &TestHost, plan: &Plan) {
    let wishes = plan.opted_out.iter().map(|lead| (lead, "all")).chain(plan.no_calls.iter().map(|lead| (lead, "call")));
    for (lead, channel) in wishes {
        let data = json!({
            "phone": lead.phone, "channel": channel, "optedOut": true, "source": "web form", "at": "2026-03-30T20:00:00Z",
        });
        host.post_data("com.handoff.consent.changed.v1", &format!("wish-{}", lead.id), &data).await;
    }
    host.quiet().await;
    say(&format!("{} customers opted out beforehand", plan.opted_out.len() + plan.no_calls.len()));
}

/// Reports first contacts for some entries; returns how many calls that closed.
pub(crate) async fn contact(host: &TestHost, crm: &Crm, count: usize) -> usize {
    let entries: Vec<_> = crm.ledger().entries.into_values().take(count).collect();
    for (number, entry) in entries.iter().enumerate() {
        let by = ["kim", "jordan", "alex"].iter().cycle().nth(number).copied().unwrap_or("kim");
        let contact = json!({ "type": "call.first-contact", "entryId": entry.id, "by": by, "human": true, "outcome": "appointment" });
        host.report_contact(&format!("msg_contact_{number}"), &contact).await.expect(202);
    }
    host.quiet().await;
    let mut closed = 0;
    for event in host.events("com.handoff.call.closed.v1").await {
        let data = host.event_data(event["position"].as_u64().unwrap_or(0)).await;
        let Some(seconds) = data["responseSeconds"].as_u64() else { continue };
        closed += 1;
        let (lead, by) = (data["leadId"].as_str().unwrap_or(""), data["by"].as_str().unwrap_or(""));
        say(&format!("lead {} was called by {by} after {seconds} s", lead.get(..8).unwrap_or(lead)));
    }
    closed
}

/// Milliseconds from the 202 to the entry at the CRM, sorted.
pub(crate) fn latency(sent: &Sent, ledger: &Ledger) -> Vec<f64> {
    let made: BTreeMap<String, SystemTime> =
        ledger.entries.values().filter_map(|entry| Some((mark(entry.comments())?, entry.made_at))).collect();
    let waited = |(mark, taken_at): (&String, &SystemTime)| {
        // The CRM may have it before the sender has read its response.
        Some(made.get(mark)?.duration_since(*taken_at).unwrap_or_default().as_secs_f64() * 1_000.0)
    };
    let mut all: Vec<f64> = sent.taken_at.iter().filter_map(waited).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// `[CF-000001]` at the end of a comment.
fn mark(comments: &str) -> Option<String> {
    let (from, to) = (comments.find("[CF-")?, comments.rfind(']')?);
    comments.get(from..=to).map(str::to_owned)
}
