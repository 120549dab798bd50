//! `POST /events`: CloudEvents in every form, each delivered once, and refusals with the position of the error.

use handoff_tests::harness::{EVENTS_TOKEN, TestHost};
use serde_json::{Value, json};

fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "https://dms.example/sales", "type": "com.example.sale.noted.v1",
        "time": "2026-03-30T15:30:20Z", "datacontenttype": "application/json", "data": { "vin": "1HGCM82633A004352" },
    })
}

#[tokio::test]
async fn cloud_events_are_accepted_in_every_form_and_deduplicated() {
    let host = TestHost::new().start().await;
    let structured = host.post_event(&event("one")).await.expect(202);
    assert_eq!(structured.json()["accepted"], 1);

    // The same source and id in binary mode: the same event.
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "one"),
        ("ce-source", "https://dms.example/sales"),
        ("ce-type", "com.example.sale.noted.v1"),
        ("content-type", "application/json"),
    ];
    let again = host.post("/events", &binary, "{}").await.expect(202);
    assert_eq!((again.json()["duplicates"].clone(), again.position()), (1.into(), structured.position()));
    let mut binary = binary;
    binary[1] = ("ce-id", "two");
    let taken = host.post("/events", &binary, "{\"stock\":\"P1\"}").await.expect(202);
    assert_eq!(host.event_data(taken.position()).await, json!({ "stock": "P1" }));

    let batch = json!([event("three"), event("one"), event("four"), event("three")]);
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let taken = host.post("/events", &headers, batch.to_string()).await.expect(202).json();
    assert_eq!((&taken["accepted"], &taken["duplicates"]), (&2.into(), &2.into()), "{taken}");
    assert_eq!(taken["positions"][0], taken["positions"][3], "a batch may contain an event twice");
    assert_eq!(host.events("com.example.*").await.len(), 4);
    let empty = host.post("/events", &headers, "[]").await.expect(202).json();
    assert_eq!(empty["accepted"], 0);

    // The same id with another source is another event.
    let mut other = event("one");
    other["source"] = "https://dms.example/service".into();
    assert_eq!(host.post_event(&other).await.expect(202).json()["accepted"], 1);
    let back = host.cli_json(&["events", &structured.position().to_string()]).await;
    assert_eq!((&back["time"], &back["id"]), (&"2026-03-30T15:30:20.000Z".into(), &"one".into()), "{back:#}");
}

#[tokio::test]
async fn a_refusal_names_the_event_and_the_field() {
    let host = TestHost::new().with_events_token().start().await;
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let nobody = host.post("/events", &batch, json!([event("x")]).to_string()).await.problem(401);
    assert!(nobody["detail"].as_str().is_some_and(|text| text.contains("Bearer")), "{nobody}");
    let bearer = format!("Bearer {EVENTS_TOKEN}");
    let post = async |media_type: &str, body: String| {
        host.post("/events", &[("content-type", media_type), ("authorization", &bearer)], body).await
    };
    let mut without_type = event("b");
    without_type.as_object_mut().expect("an object").remove("type");
    let problem =
        post("application/cloudevents-batch+json", json!([event("a"), without_type]).to_string()).await.problem(422);
    assert_eq!(problem["field"], "[1].type", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("nothing was taken")), "{problem}");
    assert!(host.events("com.example.*").await.is_empty(), "the valid event of the batch must not be accepted either");

    for (field, value) in [
        ("id", json!("")),
        ("source", json!("")),
        ("specversion", json!("0.3")),
        ("time", json!("yesterday")),
        ("type", json!("com.handoff.hook.received.v1")),
        ("source", json!("/hooks/web-leads")),
    ] {
        let mut wrong = event("c");
        wrong[field] = value;
        let problem = post("application/cloudevents+json", wrong.to_string()).await.problem(422);
        assert_eq!(problem["field"], field, "{problem}");
    }
    post("application/cloudevents+json", "{\"specversion\": ".to_owned()).await.problem(422);
    post("text/plain", "hello".to_owned()).await.problem(415);
    post("application/cloudevents+json; charset=utf-16", event("d").to_string()).await.problem(422);
    let ok = post("application/cloudevents+json", event("e").to_string()).await.expect(202);
    assert_eq!(ok.json()["accepted"], 1);
}

#[tokio::test]
async fn a_customer_is_found_by_name_and_number_and_never_logged() {
    let mut host = TestHost::new().start().await;
    let post = async |host: &TestHost, id: &str, data: Value| {
        host.post_data("com.example.visit.v1", id, &data).await.expect(202).position()
    };
    let first = post(&host, "visit-1", json!({ "name": "Zoë Quimby", "phone": "(555) 867-5309" })).await;
    let second = post(&host, "visit-2", json!({ "note": "zoë QUIMBY called" })).await;
    post(&host, "visit-3", json!({ "name": "Ann Example" })).await;
    let find = async |host: &TestHost, args: &[&str]| {
        let output = host.cli(&[&["find", "--json"], args].concat()).await.ok();
        let lines = output.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.map(|line| line["position"].as_u64().expect("a position")).collect::<Vec<u64>>()
    };
    assert_eq!(find(&host, &["ZOË quimby"]).await, [second, first]);
    assert_eq!(find(&host, &["+1 555.867.5309"]).await, [first]);
    assert_eq!(find(&host, &["zoë", "--limit", "1"]).await, [second]);
    assert_eq!(find(&host, &["VISIT-1"]).await, [first]);
    assert_eq!(find(&host, &["zoë", "--rooftop", "group:none"]).await, [0_u64; 0]);
    assert_eq!(find(&host, &["zoë", "--since", "1h"]).await.len(), 2);
    assert_eq!(find(&host, &["zoë", "--since", "2999-01-01T00:00:00Z"]).await, [0_u64; 0]);
    host.cli(&["find", "quimby"]).await.ok().says(&["#1 ", "example.visit", "data: ", "Quimby"]);
    host.cli(&["find", "no such person"]).await.ok().says(&["nothing found"]);
    host.cli(&["find", " "]).await.exits(6);
    host.cli(&["find", "x", "--since", "yesterday"]).await.exits(2).says(&["12h"]);
    host.stop().await;
    assert_eq!(find(&host, &["quimby"]).await, [second, first], "also while the host is stopped");
    assert!(!host.log().to_lowercase().contains("quimby"), "customers' data is only in the answer");
}
