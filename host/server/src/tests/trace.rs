//! The trace of an event follows the events it emitted, its timers and the answers to its requests.

use serde_json::json;

use super::bench::{Bench, NOW, get};
use crate::control;
use handoff_model::effects::{Effects, OutboxRequest, TimerRequest};
use handoff_model::event::Event;
use handoff_model::http::Request;
use handoff_model::names::{Generation, Position};
use handoff_store::{Attempt, NewEvent, Recipients, RequestOutcome, Verdict};

fn event(id: &str, type_name: &str) -> Event {
    Event {
        id: id.to_owned(),
        source: "/shop".to_owned(),
        type_name: type_name.to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: b"{}".to_vec(),
    }
}

#[tokio::test]
async fn a_trace_follows_events_timers_and_answers() {
    let bench = Bench::new("").await;
    let store = bench.shard.store();
    let id = store.installations().first().expect("an installation").id;
    let first = NewEvent {
        event: event("1", "com.example.lead"),
        to: Recipients::Rooftop("main-street".parse().expect("a name")),
    };
    store.append(vec![first], NOW, None).await.expect("it is taken");
    let entry = *store.ready(id, None, 1).expect("a queue").first().expect("it waits");
    let request = Request {
        method: "POST".to_owned(),
        url: "https://crm.example/leads".to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-lead".to_owned())],
        body: Some(vec![0xff, 0xfe, 0]),
        auth: None,
        timeout_ms: None,
    };
    let reminder = TimerRequest { at: NOW.plus_ms(5), event: event("reminder-1", "com.example.reminder") };
    let mut effects = Effects {
        emitted: vec![event("identified-1", "com.example.identified")],
        timers_set: [("call".to_owned(), reminder)].into(),
        outbox: vec![OutboxRequest { key: "lead-1".to_owned(), request, answer: true, partition_key: None }],
        ..Effects::default()
    };
    effects.state_writes.insert("lead/1".to_owned(), Some(b"12345".to_vec()));
    let attempt = Attempt {
        installation: id,
        position: entry.position,
        queue_key: entry.queue_key,
        scope: "main-street".parse().expect("a name"),
        generation: Generation(1),
        input: Default::default(),
        number: 1,
        time: NOW,
        finished_at: NOW,
    };
    let verdict = store.commit(attempt, store.snapshot(), effects, Default::default()).await.expect("a verdict");
    assert!(matches!(verdict, Verdict::Done { .. }));
    let router = control::router(bench.shard.clone());
    assert_eq!(get(&router, "/v1/status").await.json()["counts"]["timers"], 1);
    let effects = |trace: serde_json::Value| trace["deliveries"][0]["effects"].clone();
    let before = effects(get(&router, "/v1/events/1/trace").await.json());
    assert_eq!((&before["outbox"][0]["state"], &before["timers"][0]["fired"]), (&json!("pending"), &json!(null)));

    store.fire_timers(NOW.plus_ms(5)).await.expect("timers");
    let (due, _) = store.due_requests(NOW.plus_ms(5), 10, |_, _| false).expect("requests");
    let request = due.first().expect("one is due").position;
    let answered =
        RequestOutcome::Answered { status: 201, answer: Some(event("answer-1", "com.handoff.outbox.answered.v1")) };
    assert_eq!(store.start_send(id, request).await.expect("it begins"), Some(1));
    assert!(store.finish_send(id, request, NOW, answered).await.expect("it is noted"));

    let shown = get(&router, &format!("/v1/outbox/web-leads/{request}")).await.json();
    assert_eq!((&shown["causedBy"], &shown["cause"]["id"], &shown["kept"]), (&json!(1), &json!("1"), &json!(true)));
    assert_eq!((&shown["body"], &shown["bodyBytes"], &shown["bodyCut"]), (&json!(null), &json!(3), &json!(false)));
    assert_eq!(shown["headers"], json!([{"name": "content-type", "value": "application/x-lead"}]));
    assert_eq!((&shown["state"], &shown["status"]), (&json!("answered"), &json!(201)));
    let answer = shown["answeredAs"].as_u64().expect("the answer's place");
    assert_eq!(get(&router, &format!("/v1/events/{answer}")).await.json()["id"], "answer-1");
    for (path, status) in [("web-leads/99", 404), ("nobody/1", 404), ("web-leads/x", 422), ("web-leads/1", 404)] {
        assert_eq!(get(&router, &format!("/v1/outbox/{path}")).await.status, status, "{path}");
    }
    let wrong = get(&router, &format!("/v1/events/{request}/trace")).await.json();
    assert!(wrong["detail"].to_string().contains("handoff outbox show web-leads/"), "{wrong:#}");

    let after = effects(get(&router, "/v1/events/1/trace").await.json());
    assert_eq!(after["state"], json!([{"key": "lead/1", "bytes": 5}]));
    assert_eq!(after["emitted"][0]["event"]["type"], "com.example.identified");
    assert_eq!(after["timers"][0]["fired"]["event"]["type"], "com.example.reminder");
    assert_eq!(after["outbox"][0]["status"], 201);
    assert_eq!(after["outbox"][0]["answer"]["event"]["id"], "answer-1");
    assert_eq!(after["outbox"][0]["answer"]["deliveries"][0]["state"], "waiting");
    assert_eq!(get(&router, "/v1/status").await.json()["counts"]["timers"], 0);
    assert_eq!(get(&router, "/v1/outbox").await.json()["requests"], json!([]), "answered ones are not listed unasked");
    let answered = get(&router, "/v1/outbox?state=answered&installation=web-leads").await.json();
    assert_eq!(answered["requests"][0]["key"], "lead-1");
    assert_eq!(get(&router, &format!("/v1/events?before={}", Position(2))).await.json()["events"][0]["id"], "1");
}
