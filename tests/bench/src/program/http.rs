//! CloudEvents over HTTP, accepted while they are delivered, and accepted only; compared with the same requests to a
//! route that only responds, and to one that also parses the events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use handoff_tests::harness::TestHost;
use serde_json::{Value, json};

use super::client::{post, send_all};
use super::load::{Counters, wait_committed};
use super::route::Route;
use super::{Load, fast_host, say};
use crate::embedded::{DATA_BYTES, data};
use crate::goals::{Goals, Verdict};
use crate::guest::{TYPE_NAME, Taker};
use crate::machine::cpu_seconds;
use crate::results::{Samples, number, percent, plain};

/// Connections with one event per request.
const SINGLE: usize = 64;
/// Connections with a batch per request.
const BATCHED: usize = 8;
/// Events per batch.
const BATCH: u64 = 100;

/// How events are sent.
struct Way {
    what: &'static str,
    /// Events per request; one is sent in structured mode, more as a batch.
    each: u64,
    connections: usize,
    events: u64,
}

/// The results of one way of sending.
#[derive(Default)]
struct Found {
    taken: Samples,
    /// The same while the connector is paused.
    taken_alone: Samples,
    bare: Samples,
    /// The route that also parses the events of the body.
    parsed: Samples,
    /// Share of the accepted events that were delivered before the last one was accepted.
    delivered: Samples,
    /// Deliveries per second, until the last commit.
    committed: Samples,
    /// Microseconds of the server's processor time per event: the host until the last commit, and the route.
    cpu: Samples,
    bare_cpu: Samples,
}

/// Measures both ways.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("CloudEvents over HTTP, load from a second process");
    let settings = toml::Table::from_iter([("rooftop".to_owned(), toml::Value::from("main-street"))]);
    let host = fast_host()
        .as_shipped()
        .engine("queue-entries-max = 2000000\ninstallation-queue-entries-max = 2000000\n")
        .with_connector("taker", taker.path.clone(), settings)
        .start()
        .await;
    let route = Route::start();
    let mut first = 0;
    let single = Way { what: "single", each: 1, connections: SINGLE, events: load.commit_events };
    let batched = Way { what: "batches of 100", each: BATCH, connections: BATCHED, events: load.commit_events };
    for way in [single, batched] {
        let warm = Way { events: way.events / 10, ..way };
        round(&warm, &host, &route, &mut first, &mut Found::default()).await;
        let mut found = Found::default();
        for _ in 0..load.runs {
            round(&way, &host, &route, &mut first, &mut found).await;
        }
        rows(&way, &found, goals);
    }
}

/// Sends the same requests to the host and to the route.
async fn round(way: &Way, host: &TestHost, route: &Route, first: &mut u64, found: &mut Found) {
    let (requests, to_parse) = (Arc::new(requests(way, *first, "/events")), Arc::new(requests(way, *first, "/parsed")));
    *first += way.events;
    let to_wait = Arc::new(self::requests(way, *first, "/events"));
    *first += way.events;
    let address: SocketAddr = host.url("").trim_start_matches("http://").parse().expect("an address");
    let pid = host.pid().expect("the host runs");
    let before = Counters::of(host).await;
    let (start, cpu) = (Instant::now(), cpu_seconds(pid));
    send_all(address, &requests, way.connections).await;
    let taken = start.elapsed().as_secs_f64();
    let delivered = Counters::of(host).await.committed("taker") - before.committed("taker");
    let wanted = before.committed("taker") + way.events;
    let after = wait_committed(host, "taker", wanted).await;
    let (all, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);
    assert_eq!(after.committed("taker"), wanted, "more deliveries were committed than events sent");
    assert_eq!(after.failures(), before.failures(), "deliveries failed:\n{}", host.log());

    host.cli(&["pause", "taker", "--reason", "measuring acceptance only"]).await.ok();
    let start = Instant::now();
    send_all(address, &to_wait, way.connections).await;
    let taken_alone = start.elapsed().as_secs_f64();
    host.cli(&["resume", "taker"]).await.ok();
    wait_committed(host, "taker", wanted + way.events).await;

    let (start, bare_cpu) = (Instant::now(), cpu_seconds(route.pid()));
    send_all(route.address, &requests, way.connections).await;
    let bare = start.elapsed().as_secs_f64();
    let bare_cpu = cpu_seconds(route.pid()) - bare_cpu;
    let start = Instant::now();
    send_all(route.address, &to_parse, way.connections).await;
    let parsed = start.elapsed().as_secs_f64();
    let events = number(way.events);
    found.taken.push(events / taken);
    found.taken_alone.push(events / taken_alone);
    found.bare.push(events / bare);
    found.parsed.push(events / parsed);
    found.delivered.push(number(delivered) / events);
    found.committed.push(events / all);
    found.cpu.push(1e6 * cpu / events);
    found.bare_cpu.push(1e6 * bare_cpu / events);
}

fn requests(way: &Way, first: u64, path: &str) -> Vec<Vec<u8>> {
    let numbers: Vec<u64> = (first..first + way.events).collect();
    let batch = |numbers: &[u64]| {
        let events: Vec<Value> = numbers.iter().map(|number| cloud_event(*number)).collect();
        match (way.each, events.first()) {
            (1, Some(event)) => post(path, "application/cloudevents+json", &event.to_string()),
            _ => post(path, "application/cloudevents-batch+json", &Value::from(events).to_string()),
        }
    };
    numbers.chunks(usize::try_from(way.each).expect("a small batch")).map(batch).collect()
}

fn cloud_event(number: u64) -> Value {
    let data: Value = serde_json::from_slice(&data(number)).expect("JSON");
    json!({
        "specversion": "1.0", "id": format!("lead-{number}"), "source": "https://leads.example/feed", "type": TYPE_NAME,
        "partitionkey": format!("lead-{number}"), "datacontenttype": "application/json", "data": data,
    })
}

fn rows(way: &Way, found: &Found, goals: &mut Goals) {
    let share = found.taken.median() / found.bare.median();
    let what = format!("CloudEvents over HTTP, {}, {DATA_BYTES} bytes each, {} connections", way.what, way.connections);
    let value = format!("{} events/s accepted", plain(found.taken.median()));
    let against = format!("{} events/s: an axum route that only answers", plain(found.bare.median()));
    let reached = Verdict::of(share >= 1.0 / 3.0);
    goals.row(&what, &value, &against, &percent(share, 1.0), "at least a third", reached);
    let alone = found.taken_alone.median();
    let remark = format!("{} of the route; a queue grows", percent(alone / found.bare.median(), 1.0));
    goals.note("↳ accepted while the connector is paused", &format!("{} events/s", plain(alone)), &remark);
    let parsed = found.parsed.median();
    let remark = "reads, checks and parses the events of the body with the host's parser, and stores nothing";
    goals.note("↳ a route that also parses the events", &format!("{} events/s", plain(parsed)), remark);
    let remark = format!("{} of them delivered while the others were accepted", percent(found.delivered.median(), 1.0));
    let value = format!("{} events/s", plain(found.committed.median()));
    goals.note("↳ until the last is delivered", &value, &remark);
    let value = format!("{} µs an event", plain(found.cpu.median()));
    let remark = format!("deliveries included; the route {} µs", plain(found.bare_cpu.median()));
    goals.note("↳ processor time of the server", &value, &remark);
}
