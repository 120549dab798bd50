//! Helpers of several tests for following a lead. It asserts nothing by itself.

use std::collections::HashMap;
use std::time::Duration;

use handoff_tests::harness::SOON;
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Entry, Ledger};
use serde_json::Value;

/// Waits until the CRM has an entry for this lead, and returns it.
pub(crate) async fn listed(crm: &Crm, lead: &Lead) -> Entry {
    let mark = lead.mark();
    let what = format!("an entry of {mark}");
    let ledger = crm.wait(&what, SOON, |ledger| !ledger.with_comments(&mark).is_empty()).await;
    ledger.with_comments(&mark)[0].clone()
}

/// Waits until the CRM has entries for all these leads, then asserts that each one has exactly one and that there were
/// no violations.
pub(crate) async fn listed_once(crm: &Crm, leads: &[Lead], within: Duration) {
    let complete = format!("{} entries", leads.len());
    // Checked at each change of the ledger: only counted, until it may be complete.
    let ledger =
        crm.wait(&complete, within, |ledger| ledger.entries.len() >= leads.len() && !lacks_any(ledger, leads)).await;
    ledger.assert_clean();
    let marks = marks(&ledger);
    for lead in leads {
        assert_eq!(marks.get(lead.mark().as_str()), Some(&1), "{}", lead.mark());
    }
    assert_eq!(ledger.entries.len(), leads.len(), "there must be no other entries");
}

fn lacks_any(ledger: &Ledger, leads: &[Lead]) -> bool {
    let marks = marks(ledger);
    leads.iter().any(|lead| !marks.contains_key(lead.mark().as_str()))
}

/// The leads' marks in the comments of entries, and how often each is there.
fn marks(ledger: &Ledger) -> HashMap<&str, usize> {
    let mut found = HashMap::new();
    for entry in ledger.entries.values() {
        let comments = entry.comments();
        for (begin, _) in comments.match_indices('[') {
            let mark = comments[begin..].find(']').map(|end| &comments[begin..=begin + end]);
            *found.entry(mark.unwrap_or_default()).or_default() += 1;
        }
    }
    found
}

/// All deliveries below an event, in the order of the tree.
pub(crate) fn deliveries(trace: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for delivery in trace["deliveries"].as_array().into_iter().flatten() {
        found.push(delivery);
        let effects = &delivery["effects"];
        for event in effects["emitted"].as_array().into_iter().flatten() {
            found.extend(deliveries(event));
        }
        for timer in effects["timers"].as_array().into_iter().flatten() {
            found.extend(deliveries(&timer["fired"]));
        }
        for request in effects["outbox"].as_array().into_iter().flatten() {
            found.extend(deliveries(&request["answer"]));
        }
    }
    found
}

/// All outbox requests below an event.
pub(crate) fn requests(trace: &Value) -> Vec<&Value> {
    let of = |delivery| -> &Value { delivery };
    deliveries(trace)
        .into_iter()
        .map(of)
        .flat_map(|delivery| delivery["effects"]["outbox"].as_array().into_iter().flatten())
        .collect()
}
