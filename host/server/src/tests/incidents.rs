//! Tests of incidents that the host opens and closes by itself, through the control API.

use serde_json::{Value, json};

use super::bench::{Answer, Bench, NOW, get, post_json, send};
use super::control::bench_with_events;
use crate::{control, ingress};
use handoff_model::actor::Actor;
use handoff_model::installation::Pause;

async fn incidents(bench: &Bench) -> Vec<Value> {
    let list = get(&control::router(bench.shard.clone()), "/v1/incidents").await.json();
    list["incidents"].as_array().cloned().unwrap_or_default()
}

async fn pause(bench: &Bench, pause: Option<Pause>) {
    let name = "web-leads".parse().expect("a name");
    bench.shard.store().set_paused(name, pause, Actor::host(), NOW).await.expect("paused");
}

#[tokio::test]
async fn a_pause_by_the_host_is_an_incident_until_somebody_resumes() {
    let bench = bench_with_events(2).await;
    let router = control::router(bench.shard.clone());
    pause(&bench, Some(Pause::by_host("version 1.0.0: the CRM's address is missing".to_owned(), NOW))).await;
    bench.shard.watch_conditions().await;
    let open = incidents(&bench).await;
    assert_eq!(open.len(), 1, "{open:?}");
    let incident = &open[0];
    assert_eq!((&incident["kind"], &incident["waits"]), (&json!("paused"), &json!("2 events")));
    assert_eq!(incident["at"], "2026-03-30T15:30:20.000Z", "since it was paused");
    assert!(incident["message"].as_str().is_some_and(|text| text.contains("the CRM's address is missing")));
    let listed = get(&router, "/v1/installations").await.json();
    assert_eq!(&listed["installations"][0]["incidents"][0]["id"], &incident["id"]);
    assert_eq!(get(&router, "/v1/status").await.json()["incidents"][0]["kind"], "paused");
    assert!(get(&router, "/metrics").await.text.contains("handoff_incidents{kind=\"paused\"} 1\n"));

    let close = format!("/v1/incidents/{}/close", incident["id"].as_str().expect("an id"));
    assert_eq!(post_json(&router, &close, json!({})).await.problem(), "409 conflict -", "it is still so");
    post_json(&router, "/v1/installations/web-leads/resume", json!({})).await;
    bench.shard.watch_conditions().await;
    assert_eq!(incidents(&bench).await, Vec::<Value>::new());
    assert_eq!(bench.shard.store().incidents().expect("read").len(), 0, "a stopped host does not show it either");

    pause(&bench, Some(Pause::by(Actor::user("kim"), Some("inventory"), NOW))).await;
    assert_eq!(incidents(&bench).await, Vec::<Value>::new(), "a person knows of it");
}

#[tokio::test]
async fn many_refused_webhooks_are_one_incident() {
    let bench = Bench::new("").await;
    let router = ingress::router(bench.shard.clone());
    for number in 0..7 {
        assert_eq!(send(&router, "POST", "/hooks/web-leads", &[], "x").await.status, 401);
        let open = incidents(&bench).await;
        assert_eq!(open.len(), usize::from(number >= 4), "{number}: {open:?}");
    }
    let open = incidents(&bench).await;
    assert_eq!((&open[0]["kind"], &open[0]["count"]), (&json!("webhooks-refused"), &json!(1)));
    assert_eq!(open[0]["message"], "`web-leads` refused 7 webhooks within 10 minutes: 7 header-missing");
    assert_eq!(open[0]["command"], "handoff hooks web-leads");
}

#[tokio::test]
async fn an_unreadable_secret_is_an_incident_until_it_can_be_read() {
    let toml = "[ingress]\nevents-token-secret = \"late\"\n[secrets.late]\nfile = \"late\"\n";
    let bench = Bench::new(toml).await;
    let router = ingress::router(bench.shard.clone());
    let post = async || -> Answer {
        let headers = [("content-type", "application/cloudevents-batch+json"), ("authorization", "Bearer open-sesame")];
        send(&router, "POST", "/events", &headers, "[]").await
    };
    assert_eq!(post().await.status, 401);
    let open = incidents(&bench).await;
    assert_eq!((&open[0]["kind"], &open[0]["subject"]), (&json!("secret-unreadable"), &json!("late")), "{open:?}");
    assert!(open[0]["message"].as_str().is_some_and(|text| text.contains("cannot be opened")), "{open:?}");
    let file = bench.folder.path().join("late");
    std::fs::write(&file, "open-sesame").expect("written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    assert_eq!(post().await.status, 202);
    assert_eq!(incidents(&bench).await, Vec::<Value>::new());
}
