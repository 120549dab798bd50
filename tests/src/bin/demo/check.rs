//! Counts the results, prints a summary, and checks each claim against the plan and the CRM's ledger.

use std::collections::{BTreeMap, BTreeSet};

use handoff_tests::harness::TestHost;
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Entry, Ledger, Outcome};
use serde_json::Value;

use crate::plan::Plan;
use crate::run::Sent;
use crate::tell::say;

/// The results.
pub(crate) struct Facts {
    ledger: Ledger,
    documents: usize,
    leads: usize,
    repeated_bytes: u64,
    repeated_leads: u64,
    letters: BTreeMap<String, (usize, String)>,
    customers: BTreeSet<String>,
    created: u64,
    matched: u64,
    latency: Vec<f64>,
    contacted: usize,
    counts: Value,
}

impl Facts {
    pub(crate) async fn gather(
        host: &TestHost,
        crm: &Crm,
        plan: &Plan,
        sent: &Sent,
        latency: Vec<f64>,
        contacted: usize,
    ) -> Self {
        let mut letters: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for letter in host.dead_letters().await {
            let failure = &letter["failure"];
            let text = |name: &str| failure[name].as_str().unwrap_or_default().to_owned();
            letters.entry(text("code")).or_insert_with(|| (0, text("message"))).0 += 1;
        }
        let ledger = crm.ledger();
        let customers = ledger.entries.values().filter_map(|entry| entry.body["customerId"].as_str());
        Self {
            customers: customers.map(str::to_owned).collect(),
            documents: sent.documents,
            leads: plan.listed.len() + plan.opted_out.len(),
            repeated_bytes: sent.duplicates,
            repeated_leads: figure(host, "web-leads", "leads-duplicate").await,
            created: figure(host, "identity", "customers-created").await,
            matched: figure(host, "identity", "customers-matched").await,
            counts: host.counts().await,
            letters,
            ledger,
            latency,
            contacted,
        }
    }

    /// Prints the summary.
    pub(crate) fn tell(&self) {
        let line = |what: &str, value: String| say(&format!("{what:<44} {value}"));
        let updates = self.done("PUT");
        let failed = self.ledger.requests.iter().filter(|one| matches!(one.outcome, Outcome::Refused(_))).count();
        line("documents in", self.documents.to_string());
        line("leads in these documents", format!("{} different ones", self.leads));
        line("customers", format!("{} created, {} matched", self.created, self.matched));
        line("call-list entries at the CRM", format!("{}, updated {updates} times", self.ledger.entries.len()));
        line("requests that the CRM failed", format!("{failed}, each retried with the same key"));
        let suppressed = format!(
            "{} repeated documents, {} repeated leads in other documents",
            self.repeated_bytes, self.repeated_leads
        );
        line("duplicates suppressed", suppressed);
        line("calls closed by a first contact", self.contacted.to_string());
        let (p50, p99) = (percentile(&self.latency, 50), percentile(&self.latency, 99));
        line(
            "from the 202 to the CRM's call list",
            format!("p50 {p50:.1} ms, p99 {p99:.1} ms, over {} posted leads", self.latency.len()),
        );
        line("dead letters", self.letters.values().map(|(count, _)| count).sum::<usize>().to_string());
        for (code, (count, message)) in &self.letters {
            let short: String = message.chars().take(90).collect();
            say(&format!("  {count} x {code:<24} {short}"));
        }
    }

    /// Checks every claim; true if all hold.
    pub(crate) fn check(&self, plan: &Plan) -> bool {
        let once = |lead: &Lead| self.ledger.with_comments(&lead.mark()).len() == 1;
        let entry = |lead: &Lead| self.ledger.with_comments(&lead.mark()).first().copied();
        let customer = |lead: &Lead| entry(lead).and_then(|entry| entry.body["customerId"].as_str());
        let may = |entry: &Entry, way: &str| {
            entry.body["contactBy"].as_array().is_some_and(|ways| ways.iter().any(|one| one == way))
        };
        let codes: Vec<&str> = self.letters.iter().flat_map(|(code, (count, _))| vec![code.as_str(); *count]).collect();
        let idle = ["waiting", "inFlight", "outboxPending"].iter().all(|name| self.counts[name] == 0);
        let strangers = plan.listed.len() - plan.same_person.len() - plan.no_calls.len();
        let claims = [
            ("every lead is on the call list exactly once", plan.listed.iter().all(once)),
            ("the call list contains nothing else", self.ledger.entries.len() == plan.listed.len()),
            ("the CRM saw no violation: no lead twice, no key with two bodies", self.ledger.violations.is_empty()),
            (
                "each entry and each update took effect once",
                self.done("POST") == plan.listed.len() && self.done("PUT") == plan.resent,
            ),
            (
                "customers who opted out of everything are not listed",
                plan.opted_out.iter().all(|lead| entry(lead).is_none()),
            ),
            (
                "customers who opted out of calls are listed, but not for calls",
                plan.no_calls.iter().all(|lead| entry(lead).is_some_and(|entry| !may(entry, "call"))),
            ),
            (
                "a person whose data is spelled differently is the same customer",
                plan.same_person
                    .iter()
                    .all(|(later, earlier)| customer(later).is_some() && customer(later) == customer(earlier)),
            ),
            ("no two people were matched to one customer", self.customers.len() == strangers),
            ("a repeated document was processed once", self.repeated_bytes == count(plan.same_bytes)),
            ("a repeated lead in another document was processed once", self.repeated_leads == count(plan.same_lead)),
            ("invalid documents are dead letters with a reason, and nothing else is", codes == plan.broken),
            ("the first contacts closed their calls", self.contacted == 5),
            ("no work is pending", idle),
        ];
        for (claim, holds) in &claims {
            say(&format!("{} {claim}", if *holds { "yes   " } else { "WRONG " }));
        }
        if !self.ledger.violations.is_empty() {
            say(&format!("{:#?}", self.ledger.violations));
        }
        claims.iter().all(|(_, holds)| *holds)
    }

    fn done(&self, method: &str) -> usize {
        let fits = |one: &&handoff_tests::simulators::crm::Received| {
            one.method == method && one.outcome == Outcome::Applied && !one.path.ends_with("/escalations")
        };
        self.ledger.requests.iter().filter(fits).count()
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

async fn figure(host: &TestHost, installation: &str, name: &str) -> u64 {
    let shown = host.cli_json(&["show", installation]).await;
    let of_name = |one: &&Value| one["name"] == name;
    let sum: f64 =
        shown["metrics"].as_array().into_iter().flatten().filter(of_name).filter_map(|one| one["value"].as_f64()).sum();
    format!("{sum:.0}").parse().unwrap_or(0)
}

/// Nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
