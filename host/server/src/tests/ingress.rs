//! Tests of events and webhooks from outside.

use expect_test::expect;
use serde_json::json;

use super::bench::{Bench, generation, get, send};
use crate::control;
use crate::ingress::router;

const ONE: (&str, &str) = ("content-type", "application/cloudevents+json");
const MANY: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

fn event(id: &str) -> serde_json::Value {
    json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "com.example.lead", "data": {"n": 1}})
}

#[tokio::test]
async fn every_form_of_cloudevents_is_taken_once() {
    let bench = Bench::new("").await;
    let router = router(bench.shard.clone());

    let structured = send(&router, "POST", "/events", &[ONE], event("1").to_string()).await;
    assert_eq!(structured.status, 202);
    expect![[r#"{"accepted":1,"duplicates":0,"positions":[1]}"#]].assert_eq(&structured.text);

    let binary = [("ce-specversion", "1.0"), ("ce-id", "2"), ("ce-source", "/shop"), ("ce-type", "com.example.lead")];
    let answer = send(&router, "POST", "/events", &binary, "{}").await;
    expect![[r#"{"accepted":1,"duplicates":0,"positions":[2]}"#]].assert_eq(&answer.text);

    let batch = json!([event("1"), event("3"), event("3")]).to_string();
    let answer = send(&router, "POST", "/events", &[MANY], batch).await;
    expect![[r#"{"accepted":1,"duplicates":2,"positions":[1,3,3]}"#]].assert_eq(&answer.text);

    let empty = send(&router, "POST", "/events", &[MANY], "[]").await;
    expect![[r#"{"accepted":0,"duplicates":0,"positions":[]}"#]].assert_eq(&empty.text);
    let id = bench.shard.store().installations().first().expect("an installation").id;
    assert_eq!(bench.shard.store().counts(id).waiting, 3);
}

#[tokio::test]
async fn events_belong_to_the_rooftop_of_their_path() {
    let bench = Bench::new("[rooftops.south]\ntime-zone = \"America/Denver\"\n").await;
    let router = router(bench.shard.clone());
    let body = || event("1").to_string();
    let unclear = send(&router, "POST", "/events", &[ONE], body()).await;
    assert_eq!(unclear.problem(), "404 no-rooftop -");
    assert_eq!(send(&router, "POST", "/rooftops/east/events", &[ONE], body()).await.problem(), "404 not-found -");
    assert_eq!(bench.shard.store().last_position().0, 0, "nothing of it was taken");

    let id = bench.shard.store().installations().first().expect("an installation").id;
    for (path, waiting) in [("/rooftops/south/events", 0), ("/rooftops/main-street/events", 1)] {
        let taken = send(&router, "POST", path, &[ONE], body()).await;
        assert!(taken.text.starts_with(r#"{"accepted":1,"duplicates":0,"#), "{path}: {}", taken.text);
        assert_eq!(bench.shard.store().counts(id).waiting, waiting, "{path}");
    }
    let again = send(&router, "POST", "/rooftops/south/events", &[ONE], body()).await;
    expect![[r#"{"accepted":0,"duplicates":1,"positions":[1]}"#]].assert_eq(&again.text);
}

#[tokio::test]
async fn a_token_of_a_rooftop_is_good_for_that_rooftop_only() {
    const TWO: &str = "[rooftops.south]\ntime-zone = \"America/Denver\"\nevents-token-secret = \"south\"\n\
                       [rooftops.east]\ntime-zone = \"America/New_York\"\nevents-token-secret = \"east\"\n\
                       [secrets.south]\nfile = \"south\"\n[secrets.east]\nfile = \"east\"\n";
    let (south, east, host, wrong) = ("Bearer from-south", "Bearer from-east", "Bearer open-sesame", "Bearer no");
    for (ingress, expected) in [
        (
            "[ingress]\nevents-token-secret = \"door\"\n",
            expect![[r#"
                /events: south 202, east 202, host 404 no-rooftop -, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/south/events: south 202, east 403 other-rooftop -, host 202, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/east/events: south 403 other-rooftop -, east 202, host 202, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/main-street/events: south 403 other-rooftop -, east 403 other-rooftop -, host 202, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/nowhere/events: south 403 other-rooftop -, east 403 other-rooftop -, host 404 not-found -, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/%ff/events: south 403 other-rooftop -, east 403 other-rooftop -, host 404 not-found -, wrong 401 unauthorized -, none 401 unauthorized -
            "#]],
        ),
        // Without a token of the host, only a rooftop without one of its own is open.
        (
            "",
            expect![[r#"
                /events: south 202, east 202, host 404 no-rooftop -, wrong 404 no-rooftop -, none 404 no-rooftop -
                /rooftops/south/events: south 202, east 403 other-rooftop -, host 401 unauthorized -, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/east/events: south 403 other-rooftop -, east 202, host 401 unauthorized -, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/main-street/events: south 403 other-rooftop -, east 403 other-rooftop -, host 202, wrong 202, none 202
                /rooftops/nowhere/events: south 403 other-rooftop -, east 403 other-rooftop -, host 401 unauthorized -, wrong 401 unauthorized -, none 401 unauthorized -
                /rooftops/%ff/events: south 403 other-rooftop -, east 403 other-rooftop -, host 401 unauthorized -, wrong 401 unauthorized -, none 401 unauthorized -
            "#]],
        ),
    ] {
        let bench = Bench::new(&format!("{TWO}{ingress}")).await;
        for name in ["south", "east"] {
            let file = bench.folder.path().join(name);
            std::fs::write(&file, format!("from-{name}")).expect("a token file");
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
        }
        let router = router(bench.shard.clone());
        let (mut seen, mut count) = (String::new(), 0);
        let paths = ["south", "east", "main-street", "nowhere", "%ff"].map(|name| format!("/rooftops/{name}/events"));
        for path in std::iter::once("/events".to_owned()).chain(paths) {
            let mut answers = Vec::new();
            let senders = [("south", south), ("east", east), ("host", host), ("wrong", wrong), ("none", "")];
            for (who, token) in senders {
                count += 1;
                // Nothing in an event chooses the rooftop.
                let mut body = event(&count.to_string());
                body["rooftop"] = "main-street".into();
                let headers = [ONE, ("authorization", token)];
                let headers = if token.is_empty() { &headers[..1] } else { &headers[..] };
                let answer = send(&router, "POST", &path, headers, body.to_string()).await;
                let is_taken = answer.status == 202;
                answers.push(format!("{who} {}", if is_taken { "202".to_owned() } else { answer.problem() }));
                if is_taken {
                    let position = answer.json()["positions"][0].as_u64().expect("a position");
                    let stored = bench.shard.store().event_head(handoff_model::names::Position(position));
                    let scope = stored.expect("the store reads").expect("it is there").scope.to_string();
                    let named = path.split('/').nth(2).filter(|_| path != "/events");
                    assert_eq!(scope, named.unwrap_or(who), "{path} {who}");
                }
            }
            seen.push_str(&format!("{path}: {}\n", answers.join(", ")));
        }
        expected.assert_eq(&seen);
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let bench = Bench::new("[ingress]\nevents-body-bytes = 2000\nhook-body-bytes = 1024\n").await;
    let router = router(bench.shard.clone());
    let mut seen = Vec::new();
    let bad = json!([event("1"), {"specversion": "1.0", "id": "2", "type": "t"}]).to_string();
    for (what, method, uri, headers, body) in [
        ("no media type", "POST", "/events", &[][..], "x".to_owned()),
        ("other media type", "POST", "/events", &[("content-type", "text/csv")][..], "x".to_owned()),
        ("not JSON", "POST", "/events", &[ONE][..], "{".to_owned()),
        ("second has no source", "POST", "/events", &[MANY][..], bad),
        ("too large", "POST", "/events", &[ONE][..], "x".repeat(2001)),
        ("hook too large", "POST", "/hooks/web-leads", &[("x-id", "1")][..], "x".repeat(1025)),
        ("hook without id", "POST", "/hooks/web-leads", &[][..], "x".to_owned()),
        ("unknown hook", "POST", "/hooks/none", &[][..], "x".to_owned()),
        ("no hook name", "POST", "/hooks/..%2f", &[][..], "x".to_owned()),
        ("wrong method", "GET", "/events", &[][..], String::new()),
        ("wrong path", "GET", "/v1/status", &[][..], String::new()),
    ] {
        let answer = send(&router, method, uri, headers, body).await;
        seen.push(format!("{what}: {}", answer.problem()));
    }
    expect![[r#"
        no media type: 415 unsupported-media-type -
        other media type: 415 unsupported-media-type -
        not JSON: 422 invalid-event body
        second has no source: 422 invalid-event [1].source
        too large: 413 too-large -
        hook too large: 413 too-large -
        hook without id: 401 unauthorized -
        unknown hook: 404 not-found -
        no hook name: 404 not-found -
        wrong method: 405 method-not-allowed -
        wrong path: 404 no-such-path -"#]]
    .assert_eq(&seen.join("\n"));
    assert_eq!(bench.shard.store().last_position().0, 0, "nothing of it was taken");
    let wrong_method = send(&router, "GET", "/events", &[], "").await;
    assert_eq!(wrong_method.header("allow"), "POST");
}

#[tokio::test]
async fn a_webhook_is_taken_once() {
    let bench = Bench::new("").await;
    let router = router(bench.shard.clone());
    let first = send(&router, "POST", "/hooks/web-leads", &[("x-id", "7")], "<adf/>").await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (202, r#"{"accepted":1,"duplicates":0,"positions":[1]}"#));
    let again = send(&router, "POST", "/hooks/web-leads", &[("x-id", "7")], "<adf/>").await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (202, r#"{"accepted":0,"duplicates":1,"positions":[1]}"#));
}

#[tokio::test]
async fn a_webhook_cannot_be_verified_with_a_secret_of_another_rooftop() {
    let south = "[rooftops.south]\ntime-zone = \"America/Denver\"\n[secrets.hook]\nfile = \"token\"\n";
    for (limit, expected) in [("", "401 unauthorized -"), ("rooftops = [\"south\"]\n", "503 unavailable -")] {
        let bench = Bench::new(&format!("{south}{limit}")).await;
        let hook = r#"{"hook":{"verify":"body-hmac","secrets":["hook"],"header":"x-signature","encoding":"hex","prefix":"","idHeader":null}}"#;
        let new = generation("signed", "main-street", hook);
        bench.shard.store().put_generation(new).await.expect("an installation");
        let answer = send(&router(bench.shard.clone()), "POST", "/hooks/signed", &[("x-signature", "00")], "x").await;
        assert_eq!(answer.problem(), expected, "{}", answer.text);
        assert!(!answer.text.contains("south"), "{}", answer.text);
    }
}

#[tokio::test]
async fn rates_hold_by_client_and_by_hook() {
    let bench = Bench::new("[ingress.rate]\nclient-burst = 3\nhook-burst = 1\nhook-per-second = 1\n").await;
    let router = router(bench.shard.clone());
    assert_eq!(send(&router, "POST", "/hooks/web-leads", &[("x-id", "1")], "x").await.status, 202);
    let hook = send(&router, "POST", "/hooks/web-leads", &[("x-id", "2")], "x").await;
    assert_eq!(hook.problem(), "429 busy -");
    assert_eq!(hook.header("retry-after"), "1");
    assert_eq!(send(&router, "POST", "/events", &[ONE], event("1").to_string()).await.status, 202);
    assert_eq!(send(&router, "POST", "/events", &[ONE], event("2").to_string()).await.problem(), "429 busy -");
    assert_eq!(get(&router, "/healthz").await.status, 200, "health is asked as often as one likes");
    assert_eq!(get(&router, "/readyz").await.text, "ready\n");
}

#[tokio::test]
async fn events_need_the_token_if_there_is_one() {
    let bench = Bench::new("[ingress]\nevents-token-secret = \"door\"\n").await;
    let router = router(bench.shard.clone());
    let body = event("1").to_string();
    let none = send(&router, "POST", "/events", &[ONE], body.clone()).await;
    assert_eq!(none.problem(), "401 unauthorized -");
    assert_eq!(none.header("www-authenticate"), "Bearer");
    let wrong = send(&router, "POST", "/events", &[ONE, ("authorization", "Bearer x")], body.clone()).await;
    assert_eq!(wrong.problem(), "401 unauthorized -");
    let right = send(&router, "POST", "/events", &[ONE, ("authorization", "bearer open-sesame")], body).await;
    assert_eq!(right.status, 202);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let headers = http::HeaderMap::new();
    let body = axum::body::Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let refusal =
        crate::body::read_within(&headers, body, crate::body::BodyLimit::fixed(10), std::time::Duration::ZERO)
            .await
            .expect_err("it never ends");
    assert_eq!(refusal.into_problem().status, 408);
}

#[tokio::test]
async fn too_many_header_fields_are_refused() {
    let bench = Bench::new("").await;
    let names: Vec<String> = (0..101).map(|n| format!("x-{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let answer = send(&router(bench.shard.clone()), "POST", "/events", &headers, "").await;
    assert_eq!(answer.problem(), "431 too-many-headers -");
}

#[tokio::test]
async fn refused_webhooks_are_kept_with_the_reason_and_without_the_body() {
    let bounds = "[ingress]\nhook-body-bytes = 1024\n[ingress.rate]\nhook-burst = 1\nhook-per-second = 1\n";
    let bench = Bench::new(bounds).await;
    let (router, control) = (router(bench.shard.clone()), control::router(bench.shard.clone()));
    let large = "x".repeat(1025);
    for (headers, body, status) in [
        (&[("x-id", "1")][..], "<adf/>", 202),
        (&[("x-id", "2")], "<adf/>", 429),
        (&[("x-id", "3"), ("content-encoding", "gzip")], "secret body", 415),
        (&[], "secret body", 401),
        (&[("x-id", "4")], &large, 413),
    ] {
        assert_eq!(send(&router, "POST", "/hooks/web-leads", headers, body.to_owned()).await.status, status);
    }
    let told = send(&router, "POST", "/hooks/web-leads", &[], "secret body").await;
    assert!(!told.text.contains("x-id"), "the sender is not told what is missing: {}", told.text);
    assert_eq!(send(&router, "POST", "/hooks/web-lead", &[], "x").await.status, 404);

    let list = get(&control, "/v1/hooks").await.json();
    assert_eq!((&list["hooks"][0]["accepted"], &list["hooks"][0]["refused"]), (&json!(1), &json!(5)), "{list}");
    assert_eq!(list["unknown"]["lastRefused"][0]["path"], "/hooks/web-lead");
    let answer = get(&control, "/v1/hooks/web-leads").await;
    assert!(!answer.text.contains("secret body"), "{}", answer.text);
    let hook = answer.json();
    let line = |refused: &serde_json::Value| {
        let fact = |name: &str| refused[name].as_str().map_or_else(|| refused[name].to_string(), str::to_owned);
        ["status", "reason", "bodyBytes", "id", "detail"].map(fact).join(" | ")
    };
    let lines: Vec<String> = hook["refusals"].as_array().expect("refusals").iter().map(line).collect();
    expect![[r#"
        401 | header-missing | 11 | null | the header `x-id` is missing
        413 | too-large | null | 4 | the body has more than 1024 bytes, the limit here (`ingress.hook-body-bytes`); nothing was taken
        401 | header-missing | 11 | null | the header `x-id` is missing
        415 | content-encoding | null | 3 | `content-encoding` must be `identity`: send the body uncompressed; nothing was taken
        429 | hook-rate | 6 | 2 | this webhook takes too many requests; `Retry-After` says when the next may come"#]].assert_eq(&lines.join("\n"));
    assert_eq!(get(&control, "/v1/hooks/none").await.problem(), "404 not-found -");
    let metrics = get(&control, "/metrics").await.text;
    let own = "installation=\"web-leads\",rooftop=\"main-street\"";
    for line in [
        format!("handoff_hook_accepted_total{{{own}}} 1"),
        format!("handoff_hook_refused_total{{{own},reason=\"header-missing\"}} 2"),
        "handoff_hook_unknown_total 1".to_owned(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}
