//! Tests of the control API.

use expect_test::expect;
use serde_json::json;

use super::bench::{Bench, get, post_json, send};
use crate::{control, ingress};
use handoff_model::names::Position;

pub(super) async fn bench_with_events(number: u64) -> Bench {
    let bench = Bench::new("").await;
    add_events(&bench, number).await;
    bench
}

/// Posts events with the ids from 0.
pub(super) async fn add_events(bench: &Bench, number: u64) {
    let router = ingress::router(bench.shard.clone());
    let event =
        |n| json!({"specversion":"1.0","id":format!("{n}"),"source":"/shop","type":"com.example.lead","data":n});
    let batch = serde_json::Value::Array((0..number).map(event).collect()).to_string();
    let headers = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(send(&router, "POST", "/events", &headers, batch).await.status, 202);
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let bench = bench_with_events(1).await;
    let router = control::router(bench.shard.clone());
    let mut seen = Vec::new();
    for uri in [
        "/v1/installations/none",
        "/v1/installations/No",
        "/v1/events/77",
        "/v1/events/x",
        "/v1/events?limt=3",
        "/v1/events?installation=none",
        "/v1/logs?after=x",
        "/v1/none",
    ] {
        seen.push(format!("{uri}: {}", get(&router, uri).await.problem()));
    }
    for (uri, body) in [
        ("/v1/dead-letters/redrive", json!({"by": "x"})),
        ("/v1/dead-letters/discard", json!({"by": "x", "ids": ["web-leads/1"]})),
        ("/v1/installations/none/pause", json!({"by": "x"})),
        ("/v1/installations/web-leads/pause", json!({"by": "x", "why": "y"})),
    ] {
        seen.push(format!("{uri}: {}", post_json(&router, uri, body).await.problem()));
    }
    let text = send(&router, "POST", "/v1/dead-letters/redrive", &[("content-type", "text/plain")], "{}").await;
    seen.push(format!("text: {}", text.problem()));
    seen.push(format!("method: {}", send(&router, "PUT", "/v1/status", &[], "").await.problem()));
    expect![[r#"
        /v1/installations/none: 404 not-found -
        /v1/installations/No: 422 invalid name
        /v1/events/77: 404 not-found -
        /v1/events/x: 422 invalid position
        /v1/events?limt=3: 422 invalid query
        /v1/events?installation=none: 404 not-found -
        /v1/logs?after=x: 422 invalid query
        /v1/none: 404 no-such-path -
        /v1/dead-letters/redrive: 422 invalid ids
        /v1/dead-letters/discard: 422 invalid reason
        /v1/installations/none/pause: 404 not-found -
        /v1/installations/web-leads/pause: 422 invalid body
        text: 415 unsupported-media-type -
        method: 405 method-not-allowed -"#]]
    .assert_eq(&seen.join("\n"));
}

#[tokio::test]
async fn tcp_needs_the_token() {
    let bench = Bench::new("[control]\nlisten = \"127.0.0.1:1\"\ntoken-secret = \"door\"\n").await;
    let router = control::tcp_router(bench.shard.clone(), false);
    assert_eq!(get(&router, "/v1/status").await.problem(), "401 unauthorized -");
    assert_eq!(get(&router, "/v1/none").await.problem(), "401 unauthorized -", "paths are not for guessing");
    let wrong = send(&router, "GET", "/v1/status", &[("authorization", "Bearer open")], "").await;
    assert_eq!(wrong.problem(), "401 unauthorized -");
    let right = send(&router, "GET", "/v1/status", &[("authorization", "Bearer open-sesame")], "").await;
    assert_eq!(right.json()["activeInstallations"], 1);
}

#[tokio::test]
async fn every_route_answers_over_tcp_as_over_the_socket() {
    let bench = bench_with_events(1).await;
    let config = "[control]\nlisten = \"127.0.0.1:1\"\ntoken-secret = \"door\"\n";
    let with_token = Bench::new(config).await;
    let (socket, tcp) = (control::router(bench.shard.clone()), control::tcp_router(with_token.shard.clone(), false));
    let document = get(&socket, "/openapi.json").await.json();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let uri = path.replace("{name}", "none").replace("{installation}", "none").replace("{position}", "99");
        let uri = uri.replace("{id}", "none").replace("{digest}", "none");
        assert!(!uri.contains('{'), "{uri}");
        for method in item.as_object().expect("operations").keys().map(|method| method.to_uppercase()) {
            let over_socket = send(&socket, &method, &uri, &[], "").await;
            let over_tcp = send(&tcp, &method, &uri, &[("authorization", "Bearer open-sesame")], "").await;
            assert_eq!(over_tcp.status, over_socket.status, "{method} {uri}: {}", over_tcp.text);
            if over_socket.status.as_u16() >= 400 {
                assert_eq!(over_tcp.problem(), over_socket.problem(), "{method} {uri}");
            }
            count += 1;
        }
    }
    assert!(count > 40, "{count} operations");
}

#[tokio::test]
async fn a_dead_letter_is_listed_redriven_and_traced() {
    let bench = bench_with_events(3).await;
    let router = control::router(bench.shard.clone());
    bench.dead_letter(Position(1)).await;
    bench.dead_letter(Position(2)).await;

    let page = get(&router, "/v1/dead-letters?limit=1").await.json();
    assert_eq!((&page["deadLetters"][0]["id"], &page["next"]), (&json!("web-leads/1"), &json!("web-leads/1")));
    let page = get(&router, "/v1/dead-letters?after=web-leads/1&code=bad-vin").await.json();
    assert_eq!(page["deadLetters"][0]["failure"]["message"], "the VIN has 16 characters");

    let request = json!({"by": "kim", "ids": ["web-leads/1", "web-leads/3", "none/1"]});
    let report = post_json(&router, "/v1/dead-letters/redrive", request).await;
    expect![[r#"{"done":1,"unknown":["none/1","web-leads/3"]}"#]].assert_eq(&report.text);
    let request = json!({"by": "kim", "reason": "a test lead", "installation": "web-leads", "code": "bad-vin"});
    assert_eq!(post_json(&router, "/v1/dead-letters/discard", request).await.json(), json!({"done": 1}));

    let trace = get(&router, "/v1/events/1/trace").await.json();
    let delivery = &trace["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["redrivenAs"]), (&json!("redriven"), &json!(4)));
    assert_eq!(delivery["attempts"][0]["failure"]["code"], "bad-vin");
    let states = get(&router, "/v1/events?type=com.example.*").await.json();
    let states: Vec<_> =
        states["events"].as_array().expect("events").iter().map(|e| e["routes"][0]["state"].clone()).collect();
    assert_eq!(states, ["waiting", "waiting", "discarded", "redriven"]);
    assert_eq!(get(&router, "/v1/events/4").await.json()["redriveOf"], 1);
}

#[tokio::test]
async fn logs_go_on_from_where_they_ended() {
    let bench = bench_with_events(2).await;
    let router = control::router(bench.shard.clone());
    let none = get(&router, "/v1/logs").await.json();
    assert_eq!(none["lines"], json!([]));
    bench.dead_letter(Position(1)).await;
    let next = none["next"].as_str().expect("a cursor");
    let one = get(&router, &format!("/v1/logs?after={next}&waitMs=1000")).await.json();
    assert_eq!(one["lines"][0]["message"], "delivery failed: the VIN has 16 characters");
    assert_eq!(one["lines"].as_array().map(Vec::len), Some(1));
    let next = one["next"].as_str().expect("a cursor");
    assert_eq!(get(&router, &format!("/v1/logs?after={next}")).await.json()["lines"], json!([]));
}

#[tokio::test]
async fn an_installation_pauses_and_resumes() {
    let bench = bench_with_events(1).await;
    let router = control::router(bench.shard.clone());
    let pause = json!({"by": "kim", "reason": "inventory"});
    let report = post_json(&router, "/v1/installations/web-leads/pause", pause.clone()).await.json();
    assert_eq!(report["changed"], true);
    let report = post_json(&router, "/v1/installations/web-leads/pause", pause.clone()).await.json();
    assert_eq!(report["changed"], false);
    assert_eq!(get(&router, "/v1/status").await.json()["pausedInstallations"], 1);
    let report = post_json(&router, "/v1/installations/web-leads/resume", pause).await.json();
    assert_eq!(report["installation"].get("paused"), None);
}
