//! Every list can be limited to one rooftop or one group: `rooftop=…` shows what was handled for it, and nothing else.

use serde_json::Value;

use super::bench::{Bench, NOW, generation, get};
use crate::control;
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, OutboxRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::host_records::IncidentRecord;
use handoff_model::http::Request;
use handoff_model::names::Generation;
use handoff_store::{Attempt, FailureAction, NewAudit, NewEvent, Recipients, Store, Verdict};

const MORE: &str = "[rooftops.south]\ntime-zone = \"America/Denver\"\n\
                    [groups.west]\nrooftops = [\"main-street\", \"south\"]\ntime-zone = \"America/Denver\"\n";

async fn append(store: &Store, rooftop: &str, id: &str) {
    let event = Event {
        id: id.to_owned(),
        source: "/shop".to_owned(),
        type_name: "com.example.lead".to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: b"{}".to_vec(),
    };
    let to = Recipients::Rooftop(rooftop.parse().expect("a name"));
    store.append(vec![NewEvent { event, to }], NOW, None).await.expect("taken");
}

/// Every installation handles its next event: with a request, or so that it becomes a dead letter.
async fn handle_all(store: &Store, fails: bool) {
    for installation in store.installations() {
        while let Some(entry) = store.ready(installation.id, None, 1).expect("a queue").first().copied() {
            let claim = store.claim(installation.id, entry).expect("it reads").expect("it waits");
            let attempt = Attempt {
                installation: installation.id,
                position: entry.position,
                queue_key: entry.queue_key,
                scope: claim.scope.clone(),
                generation: Generation(1),
                input: Default::default(),
                number: 1,
                time: NOW,
                finished_at: NOW,
            };
            let verdict = if fails {
                let failure = Failure::reject("bad-vin", "no");
                let then = FailureAction::DeadLetter;
                store.fail(attempt, store.snapshot(), failure, then, Default::default()).await
            } else {
                let request = Request {
                    method: "POST".to_owned(),
                    url: "https://crm.example/leads".to_owned(),
                    headers: Vec::new(),
                    body: None,
                    auth: None,
                    timeout_ms: None,
                };
                let key = entry.position.to_string();
                let outbox = vec![OutboxRequest { key, request, answer: false, partition_key: None }];
                let effects = Effects { outbox, ..Effects::default() };
                store.commit(attempt, store.snapshot(), effects, Default::default()).await
            };
            assert!(matches!(verdict, Ok(Verdict::Done { .. })), "{verdict:?}");
        }
    }
}

#[tokio::test]
async fn a_list_of_a_rooftop_shows_what_was_handled_for_it() {
    let bench = Bench::new(MORE).await;
    let store = bench.shard.store();
    for (name, scope) in [("south-leads", "south"), ("west-leads", "group:west")] {
        store.put_generation(generation(name, scope, "{}")).await.expect("an installation");
    }
    for fails in [true, false] {
        for rooftop in ["main-street", "south"] {
            append(store, rooftop, &fails.to_string()).await;
        }
        handle_all(store, fails).await;
    }
    let about = |name: &str, scopes: &[&str]| NewAudit {
        at: NOW,
        by: Actor::user("test"),
        action: "incident",
        subject: name.to_owned(),
        detail_json: "{}".to_owned(),
        scopes: scopes.iter().map(|scope| scope.parse().expect("a scope")).collect(),
    };
    for (id, installation, scopes) in [("1", Some("south-leads"), &["south"][..]), ("2", None, &[])] {
        let incident = IncidentRecord {
            at: NOW,
            kind: "recall".to_owned(),
            subject: String::new(),
            closes_itself: false,
            count: 1,
            installation: installation.map(|name| name.parse().expect("a name")),
            message: "look".to_owned(),
            command: None,
            evidence_json: "{}".to_owned(),
        };
        let audit = about(installation.unwrap_or("host"), scopes);
        store.add_incident(id.to_owned(), incident, Some(audit)).await.expect("kept");
    }

    let router = control::router(bench.shard.clone());
    let lists = [
        ("installations", "installations", "/name"),
        ("dead-letters", "deadLetters", "/id"),
        ("outbox", "requests", "/id"),
        ("outbox?state=pending", "requests", "/scope"),
        ("incidents", "incidents", "/installation"),
        ("audit", "entries", "/subject"),
        ("events", "events", "/scope"),
    ];
    let mut seen = String::new();
    for (rooftop, all) in [("main-street", false), ("south", false), ("group:west", false), ("east", false), ("", true)]
    {
        for (list, field, shown) in lists {
            let sign = if list.contains('?') { '&' } else { '?' };
            let query = if all { String::new() } else { format!("{sign}rooftop={rooftop}") };
            let answer = get(&router, &format!("/v1/{list}{query}")).await.json();
            let rows = answer[field].as_array().unwrap_or_else(|| panic!("{list}: {answer}"));
            let rows: Vec<String> = rows.iter().map(|row| text(row, shown)).collect();
            seen.push_str(&format!("{rooftop} {list} [{}]\n", rows.join(", ")));
        }
    }
    expect_test::expect![[r#"
        main-street installations [web-leads]
        main-street dead-letters [web-leads/1, west-leads/1]
        main-street outbox [web-leads/5, west-leads/7]
        main-street outbox?state=pending [main-street, main-street]
        main-street incidents []
        main-street audit [web-leads]
        main-street events [main-street, main-street]
        south installations [south-leads]
        south dead-letters [south-leads/2, west-leads/2]
        south outbox [south-leads/6, west-leads/8]
        south outbox?state=pending [south, south]
        south incidents [south-leads]
        south audit [south-leads, south-leads]
        south events [south, south]
        group:west installations [west-leads]
        group:west dead-letters []
        group:west outbox []
        group:west outbox?state=pending []
        group:west incidents []
        group:west audit [west-leads]
        group:west events []
        east installations []
        east dead-letters []
        east outbox []
        east outbox?state=pending []
        east incidents []
        east audit []
        east events []
         installations [south-leads, web-leads, west-leads]
         dead-letters [web-leads/1, south-leads/2, west-leads/1, west-leads/2]
         outbox [web-leads/5, south-leads/6, west-leads/7, west-leads/8]
         outbox?state=pending [main-street, south, main-street, south]
         incidents [-, south-leads]
         audit [web-leads, south-leads, west-leads, south-leads, host]
         events [south, main-street, south, main-street]
    "#]]
    .assert_eq(&seen);
    assert_eq!(get(&router, "/v1/outbox?rooftop=No").await.problem(), "422 invalid query");
    let first = get(&router, "/v1/dead-letters?rooftop=south&limit=1").await.json();
    assert_eq!(first["deadLetters"].as_array().map(Vec::len), Some(1), "a page is full of what is asked for: {first}");
}

fn text(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned()
}
