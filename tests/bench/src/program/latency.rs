//! Time from the response 202 to the effects of a lead, at a rate that leaves the host idle most of the time.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use handoff_tests::harness::TestHost;
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Ledger};

use super::load::{PATIENCE, control};
use super::throughput::{assert_listed_once, leads, number_of};
use super::{Load, PACE, bounds, say};
use crate::results::{Samples, Table};

/// Bare syncs before and after.
const SYNCS: usize = 50;

struct Sent {
    lead: Lead,
    position: u64,
    answered_after: Duration,
    answered_at: SystemTime,
}

/// Sends leads at an even rate and follows each one to the CRM.
pub(super) async fn paced(load: Load, host: &TestHost, crm: &Crm, table: &mut Table) {
    say("Latency at a moderate pace");
    let wanted = number_of(crm.ledger().entries.len()) + load.paced;
    let pace = Duration::from_millis(1_000 / PACE);
    let mut syncs = bounds::sync_milliseconds(SYNCS, pace).await;
    let sent = send(host, leads(number_of(load.runs) * load.pipeline, load.paced)).await;
    crm.wait("every lead", PATIENCE, |ledger| number_of(ledger.entries.len()) >= wanted).await;
    syncs.extend(bounds::sync_milliseconds(SYNCS, pace).await);
    host.quiet().await;
    let ledger = crm.ledger();
    let all: Vec<Lead> = sent.iter().map(|sent| sent.lead.clone()).collect();
    assert_listed_once(&ledger, &all, wanted);

    let answers: Samples = sent.iter().map(|sent| milliseconds(sent.answered_after)).collect();
    let mut commits = Samples::default();
    let mut calls: [Samples; 3] = Default::default();
    for one in &sent {
        let trace = control(host, &format!("/v1/events/{}/trace", one.position)).await;
        let [parse, identify, list] = way(&trace);
        // The next connector receives the event only after the commit is durable.
        commits.push(between(&trace["event"]["at"], &identify["at"]));
        for (samples, attempt) in calls.iter_mut().zip([parse, identify, list]) {
            samples.push(attempt["durationMs"].as_f64().expect("a duration"));
        }
    }
    let what = format!("3. POST to 202, {PACE} leads/s");
    table.distribution(&what, &answers, "ms", "one `fdatasync` included");
    let syncs: Samples = syncs.into_iter().collect();
    table.distribution(
        "↳ bare append and `fdatasync` at the same pace",
        &syncs,
        "ms",
        "measured right before and right after",
    );
    table.distribution("3. Accepted to first delivery durable", &commits, "ms", "until the next connector begins");
    table.distribution(
        "3. 202 to the entry at the CRM",
        &until_listed(&sent, &ledger),
        "ms",
        "three deliveries, one request",
    );
    for (name, samples) in ["adf-leads", "identity", "bdc-list"].iter().zip(&calls) {
        let what = format!("↳ one call of `{name}`, fresh instance included");
        table.distribution(&what, samples, "ms", "the runtime's own measurement");
    }
}

async fn send(host: &TestHost, leads: Vec<Lead>) -> Vec<Sent> {
    let mut ticks = tokio::time::interval(Duration::from_millis(1_000 / PACE));
    let mut tasks = Vec::new();
    for lead in leads {
        ticks.tick().await;
        let (client, url) = (host.client().clone(), host.url("/hooks/web-leads"));
        tasks.push(tokio::spawn(async move {
            let post = super::load::Post::lead(&lead);
            let mut request = client.post(url).body(post.body);
            for (name, value) in post.headers {
                request = request.header(name, value);
            }
            let start = Instant::now();
            let answer = request.send().await.expect("the host answers");
            let (answered_after, answered_at) = (start.elapsed(), SystemTime::now());
            assert_eq!(answer.status().as_u16(), 202);
            let answer: Value = answer.json().await.expect("JSON");
            let position = answer["positions"][0].as_u64().expect("a position");
            Sent { lead, position, answered_after, answered_at }
        }));
    }
    let mut sent = Vec::new();
    for task in tasks {
        sent.push(task.await.expect("a sender"));
    }
    sent
}

fn until_listed(sent: &[Sent], ledger: &Ledger) -> Samples {
    let mut made = HashMap::new();
    for entry in ledger.entries.values() {
        if let Some((_, mark)) = entry.comments().rsplit_once('[') {
            made.insert(mark.trim_end_matches(']').to_owned(), entry.made_at);
        }
    }
    // A small lead may be listed before its sender read the response: that counts as 0.
    let time = |one: &Sent| made[&one.lead.id].duration_since(one.answered_at).unwrap_or_default();
    sent.iter().map(|one| milliseconds(time(one))).collect()
}

/// The committed attempts of the three connectors.
fn way(trace: &Value) -> [&Value; 3] {
    let parse = &trace["deliveries"][0];
    let identify = &parse["effects"]["emitted"][0]["deliveries"][0];
    let list = &identify["effects"]["emitted"][0]["deliveries"][0];
    [parse, identify, list].map(|delivery| {
        let attempt = delivery["attempts"].as_array().and_then(|attempts| attempts.last());
        attempt.unwrap_or_else(|| panic!("an attempt is missing in {trace:#}"))
    })
}

/// Milliseconds between two times of one host, less than a day apart.
fn between(start: &Value, end: &Value) -> f64 {
    let of_day = |time: &Value| -> f64 {
        let text = time.as_str().and_then(|text| text.split_once('T')).map(|(_, text)| text.trim_end_matches('Z'));
        let parts = text.into_iter().flat_map(|text| text.split(':'));
        parts.fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("a time in UTC")) * 1_000.0
    };
    (of_day(end) - of_day(start)).rem_euclid(86_400_000.0)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
