//! Deliveries per second through one connector, and leads per second through three. Each run is checked lead by lead.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use handoff_tests::harness::{TestHost, component, identity, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Ledger};

use super::load::{Counters, PATIENCE, Post, last_position, send_all, wait_committed};
use super::{Load, PRODUCERS, bounds, fast_host, say};
use crate::machine::cpu_seconds;
use crate::results::{Samples, Table, number, percent, plain};

/// Events per batch in `POST /events`.
const BATCH: usize = 100;
/// Senders of batches.
const BATCH_PRODUCERS: usize = 4;

/// One run.
struct Run {
    events: u64,
    seconds: f64,
    syncs: u64,
    bytes: u64,
    /// Processor time of the host.
    cpu: f64,
    /// Events per second if only the disk mattered; measured right after the run.
    bare: f64,
}

/// `adf-leads` alone, one signed document per request.
pub(super) async fn hooks(load: Load, table: &mut Table) {
    say("Deliveries a second: adf-leads, one webhook each");
    let inbox = tempfile::tempdir().expect("a temporary folder");
    let builder = fast_host().with_connector("web-leads", component("adf-leads"), web_leads(inbox.path()));
    let host = builder.start().await;
    warm(&host, "web-leads").await;
    let (mut runs, mut http) = (Vec::new(), Samples::default());
    for run in 0..number_of(load.runs) {
        let leads = leads(run * load.single, load.single);
        let posts = leads.iter().map(Post::lead).collect();
        runs.push(measured(&host, "web-leads", load.single, send_all(&host, posts, PRODUCERS)).await);
        http.push(bounds::http_rate(&host, 20_000, PRODUCERS).await);
    }
    let rates: Samples = runs.iter().map(rate).collect();
    let compared = format!("{} of `/healthz` with the same client", percent(rates.median(), http.median()));
    let what = format!("1. `adf-leads`: signed webhooks of one lead each, {PRODUCERS} senders");
    table.result(&what, &rates, "deliveries/s", &compared);
    table.result("↳ `GET /healthz`, same client and senders", &http, "requests/s", "");
    cost_rows(&runs, table);
}

/// `identity` alone, batches of CloudEvents.
pub(super) async fn events(load: Load, table: &mut Table) {
    say("Deliveries a second: identity, batches of CloudEvents");
    let host = fast_host().with_connector("identity", component("identity"), identity()).start().await;
    send_all(&host, vec![batch(&[warm_lead()])], 1).await;
    wait_committed(&host, "identity", 1).await;
    let mut runs = Vec::new();
    for run in 0..number_of(load.runs) {
        let leads = leads(run * load.single, load.single);
        let posts: Vec<Post> = leads.chunks(BATCH).map(batch).collect();
        runs.push(measured(&host, "identity", load.single, send_all(&host, posts, BATCH_PRODUCERS)).await);
    }
    let rates: Samples = runs.iter().map(rate).collect();
    let what = format!("1. `identity`: batches of {BATCH} CloudEvents, {BATCH_PRODUCERS} senders");
    table.result(&what, &rates, "deliveries/s", "");
    cost_rows(&runs, table);
}

/// Three connectors, up to the CRM.
pub(super) async fn pipeline(load: Load, host: &TestHost, crm: &Crm, table: &mut Table) {
    say("Leads a second: adf-leads, identity, bdc-list, CRM");
    send_all(host, vec![Post::lead(&warm_lead())], 1).await;
    crm.wait("the first lead", PATIENCE, |ledger| ledger.entries.len() == 1).await;
    host.quiet().await;
    let (mut runs, mut deliveries) = (Vec::new(), Vec::new());
    for run in 0..number_of(load.runs) {
        let leads = leads(run * load.pipeline, load.pipeline);
        let posts: Vec<Post> = leads.iter().map(Post::lead).collect();
        let wanted = number_of(crm.ledger().entries.len()) + load.pipeline;
        let before = Counters::of(host).await;
        let cpu = cpu(host);
        let start = Instant::now();
        let has_all = |ledger: &Ledger| number_of(ledger.entries.len()) >= wanted;
        let (_, ledger) = tokio::join!(send_all(host, posts, PRODUCERS), crm.wait("every lead", PATIENCE, has_all),);
        let seconds = start.elapsed().as_secs_f64();
        let cpu = self::cpu(host) - cpu;
        drop(ledger);
        let after = settle(host, &before).await;
        assert_listed_once(&crm.ledger(), &leads, wanted);
        deliveries.push(number(after.all_committed() - before.all_committed()) / number(load.pipeline));
        runs.push(Run::between(&before, &after, load.pipeline, (seconds, cpu)));
    }
    let rates: Samples = runs.iter().map(rate).collect();
    let deliveries: Samples = deliveries.into_iter().collect();
    let compared = format!("{} deliveries and one entry at the CRM for each lead", plain(deliveries.median()));
    let what = format!("2. Three connectors to the CRM's call list, {PRODUCERS} senders");
    table.result(&what, &rates, "leads/s", &compared);
    cost_rows(&runs, table);
}

/// Sends, waits for the last commit, and checks the number of commits and new events.
async fn measured(host: &TestHost, installation: &str, events: u64, sends: impl Future<Output = ()>) -> Run {
    let before = Counters::of(host).await;
    let position = last_position(host).await;
    let cpu = cpu(host);
    let start = Instant::now();
    sends.await;
    let wanted = before.committed(installation) + events;
    wait_committed(host, installation, wanted).await;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = self::cpu(host) - cpu;
    let after = settle(host, &before).await;
    assert_eq!(after.committed(installation), wanted, "{installation} committed more deliveries than it got events");
    // Each event and the one derived from it.
    assert_eq!(last_position(host).await - position, 2 * events, "events were lost or doubled");
    Run::between(&before, &after, events, (seconds, cpu))
}

/// Waits until the host has no pending work, without a failure since `before`.
async fn settle(host: &TestHost, before: &Counters) -> Counters {
    host.quiet().await;
    let after = Counters::of(host).await;
    assert_eq!(after.failures(), before.failures(), "deliveries failed:\n{}", host.log());
    after
}

/// Checks that every lead is listed exactly once.
///
/// # Panics
/// If not.
pub(super) fn assert_listed_once(ledger: &Ledger, leads: &[Lead], entries: u64) {
    ledger.assert_clean();
    assert_eq!(number_of(ledger.entries.len()), entries, "entries at the CRM");
    let mut marks = BTreeMap::<&str, u32>::new();
    for entry in ledger.entries.values() {
        if let Some((_, mark)) = entry.comments().rsplit_once('[') {
            *marks.entry(mark.trim_end_matches(']')).or_default() += 1;
        }
    }
    for lead in leads {
        assert_eq!(marks.get(lead.id.as_str()), Some(&1), "lead {} at the CRM:\n{}", lead.id, ledger.summary());
    }
}

impl Run {
    fn between(before: &Counters, after: &Counters, events: u64, (seconds, cpu): (f64, f64)) -> Self {
        let ((syncs, bytes), (syncs_before, bytes_before)) = (after.journal(), before.journal());
        let (syncs, bytes) = (syncs - syncs_before, bytes - bytes_before);
        let bare = number(events) / bounds::append_seconds(bytes, syncs);
        Self { events, seconds, syncs, bytes, cpu, bare }
    }
}

fn rate(run: &Run) -> f64 {
    number(run.events) / run.seconds
}

/// The host's cost per event, the number of syncs, and the disk's rate for the same work alone.
fn cost_rows(runs: &[Run], table: &mut Table) {
    let of = |figure: fn(&Run) -> f64| -> Samples { runs.iter().map(figure).collect() };
    let cpu = of(|run| 1_000.0 * run.cpu / number(run.events));
    let busy = of(|run| run.cpu / run.seconds);
    table.result("↳ processor time of the host", &cpu, "ms each", &format!("{} cores busy", plain(busy.median())));
    let bare = of(|run| run.bare);
    let share = of(|run| rate(run) / run.bare);
    let syncs = of(|run| number(run.events) / number(run.syncs.max(1)));
    let bytes = of(|run| number(run.bytes) / number(run.events));
    println!("  in order: {} ms of processor time each", cpu.in_order());
    // No run can be faster than the disk alone; an unsteady disk means that the machine was disturbed in between.
    let is_steady = bare.is_steady() && share.at(1.0) <= 1.0;
    let steady = if is_steady { "" } else { " (**not steady, no comparison**)" };
    let compared = format!(
        "the host reaches {}{steady}; {} per sync, {} journal bytes each",
        percent(share.median(), 1.0),
        plain(syncs.median()),
        plain(bytes.median()),
    );
    table.result("↳ bare append and `fdatasync` of the same bytes in as many batches", &bare, "per s", &compared);
}

fn cpu(host: &TestHost) -> f64 {
    cpu_seconds(host.pid().expect("the host runs"))
}

/// A lead of a person that no run sends.
fn warm_lead() -> Lead {
    Lead { id: "CF-WARM".to_owned(), ..Lead::new(7_777) }
}

/// The first delivery loads the code and opens connections.
async fn warm(host: &TestHost, installation: &str) {
    send_all(host, vec![Post::lead(&warm_lead())], 1).await;
    wait_committed(host, installation, 1).await;
}

pub(super) fn leads(first: u64, count: u64) -> Vec<Lead> {
    (first..first + count).map(Lead::new).collect()
}

fn batch(leads: &[Lead]) -> Post {
    let events: Vec<Value> = leads.iter().map(received).collect();
    let headers = vec![("content-type", "application/cloudevents-batch+json".to_owned())];
    Post { path: "/events", headers, body: Value::from(events).to_string() }
}

/// The event that `adf-leads` would have emitted, from another source.
fn received(lead: &Lead) -> Value {
    let vehicle = &lead.vehicle;
    json!({
        "specversion": "1.0", "id": lead.id, "source": "https://leads.carfinder.example",
        "type": "com.handoff.lead.received.v1", "subject": lead.id, "partitionkey": lead.id,
        "datacontenttype": "application/json",
        "data": {
            "leadId": lead.id, "status": "new", "revision": 1,
            "requestedAt": lead.requested_at, "requestedAtText": lead.requested_at,
            "ids": [{ "source": "CarFinder", "sequence": 1, "value": lead.id }],
            "provider": { "name": "CarFinder", "service": "Web leads" },
            "vendor": { "name": "Main Street Motors", "ids": [{ "source": "CarFinder", "value": "MS-01" }] },
            "customer": {
                "ids": [],
                "name": { "first": lead.first, "last": lead.last, "kind": "individual" },
                "emails": lead.email.iter().map(|text| json!({ "address": text })).collect::<Vec<_>>(),
                "phones": lead.phone.iter().map(|text| json!({ "number": text, "kind": "cellphone" })).collect::<Vec<_>>(),
                "comments": format!("{} {}", lead.comments, lead.mark()),
            },
            "vehicles": [{
                "interest": "buy", "condition": vehicle.status, "year": vehicle.year, "make": vehicle.make,
                "model": vehicle.model, "vinCheck": "absent",
            }],
            "tradeIns": [], "warnings": [],
        },
    })
}

pub(super) fn number_of(count: usize) -> u64 {
    u64::try_from(count).expect("a count")
}
