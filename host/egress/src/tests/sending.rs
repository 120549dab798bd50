//! What is sent, what is returned, and when nothing is sent.

use chrono::TimeDelta;

use super::*;

fn plain() -> (Egress, Arc<HandClock>) {
    egress(None, "unused", HostOptions::default())
}

#[tokio::test]
async fn every_attempt_carries_the_same_idempotency_key() {
    let target =
        Target::with_status(201, &[("set-cookie", "session=1"), ("www-authenticate", "x"), ("x-id", "7")]).await;
    let (egress, _) = plain();
    let request =
        Request { headers: vec![("X-Dealer".to_owned(), "d1".to_owned())], ..request("POST", &target.url("/a")) };
    for key in ["lead-1", "lead-1", "ключ one"] {
        let outcome = egress.send(&from(), &target.grants(), &request, key).await;
        let SendOutcome::Answered(response) = outcome else { panic!("{outcome:?}") };
        assert_eq!((response.status, response.body.as_slice()), (201, b"body".as_slice()));
        let names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-id", "content-length", "date"]);
    }
    let seen = target.seen("/a");
    let keys: Vec<&str> = seen.iter().map(|one| one.header("idempotency-key")).collect();
    assert_eq!(keys.first(), Some(&"lead-1"));
    assert_eq!(keys.first(), keys.get(1));
    assert_eq!(keys.get(2).map(|key| key.len()), Some(64), "a key that no field can carry is hashed");
    let one = seen.first().expect("a request");
    let mut names: Vec<&str> = one.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-length", "host", "idempotency-key", "user-agent", "x-dealer"]);
}

#[tokio::test]
async fn statuses_are_answers_or_reasons_to_retry() {
    for (status, again) in [
        (200, false),
        (204, false),
        (302, false),
        (400, false),
        (404, false),
        (409, false),
        (422, false),
        (408, true),
        (425, true),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
    ] {
        let target = Target::with_status(status, &[]).await;
        let outcome = plain().0.send(&from(), &target.grants(), &request("POST", &target.url("/a")), "k").await;
        match outcome {
            SendOutcome::Answered(response) => assert!(!again && response.status == status, "{status}"),
            SendOutcome::Retry { status: Some(seen), .. } => assert!(again && seen == status, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let target = Target::with_status(302, &[("location", "/elsewhere")]).await;
    let response =
        plain().0.look_up(&from(), &target.grants(), &request("GET", &target.url("/a"))).await.expect("an answer");
    assert_eq!(response.status, 302);
    assert!(target.seen("/elsewhere").is_empty());
}

#[tokio::test]
async fn a_connection_of_a_private_grant_is_not_shared() {
    let target = Target::with_status(200, &[]).await;
    let (egress, _) = plain();
    let url = format!("http://localhost:{}/a", target.address.port());
    let allowed = egress.look_up(&from(), &target.grants_for("localhost", true), &request("GET", &url)).await;
    assert_eq!(allowed.expect("allowed").status, 200);
    let denied = egress
        .look_up(&from(), &target.grants_for("localhost", false), &request("GET", &url))
        .await
        .expect_err("denied");
    assert!(matches!(&denied, HttpError::Denied(text) if text.contains("is loopback")), "{denied}");
    let literal =
        egress.look_up(&from(), &target.grants_for("127.0.0.1", false), &request("GET", &target.url("/a"))).await;
    assert!(matches!(literal, Err(HttpError::Denied(_))), "{literal:?}");
    assert_eq!(target.seen("/a").len(), 1);
}

#[tokio::test]
async fn bodies_and_fields_over_the_limit_are_refused() {
    let target = Target::start(|one, _| match one.path.as_str() {
        "/body" => (StatusCode::OK, vec![], "x".repeat(100_001)),
        "/fits" => (StatusCode::OK, vec![], "x".repeat(100_000)),
        _ => (StatusCode::OK, vec![("x-long", "x".repeat(70_000))], String::new()),
    })
    .await;
    let (egress, _) = plain();
    let grants = target.grants();
    assert_eq!(
        egress.look_up(&from(), &grants, &request("GET", &target.url("/fits"))).await.expect("fits").body.len(),
        100_000
    );
    for path in ["/body", "/fields"] {
        let error = egress.look_up(&from(), &grants, &request("GET", &target.url(path))).await.expect_err("too large");
        assert!(matches!(error, HttpError::ResponseTooLarge(_)), "{path}: {error}");
    }
    let outcome = egress.send(&from(), &grants, &request("POST", &target.url("/body")), "k").await;
    assert!(
        matches!(&outcome, SendOutcome::Failed { error, may_have_arrived: true } if error.contains("status 200")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_target_that_hangs_times_out() {
    let target = Target::with_status(200, &[]).await;
    let request = Request { timeout_ms: Some(40), ..request("GET", &target.url("/hang")) };
    let error = plain().0.look_up(&from(), &target.grants(), &request).await.expect_err("no answer");
    assert!(matches!(&error, HttpError::Timeout(text) if text.ends_with("within 40 ms")), "{error}");
}

#[tokio::test]
async fn failures_open_the_breaker_and_time_closes_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let target = Target { address, seen: Arc::default() };
    let (egress, clock) = egress(None, "unused", HostOptions { failures_to_open: 2, ..HostOptions::default() });
    let send = || async { egress.send(&from(), &target.grants(), &request("POST", &target.url("/a")), "k").await };
    for _ in 0..2 {
        let outcome = send().await;
        assert!(
            matches!(&outcome, SendOutcome::Retry { status: None, error, may_have_arrived: false, .. } if error.contains("refused")),
            "{outcome:?}"
        );
    }
    assert_eq!(send().await, SendOutcome::NotNow { after_ms: 15_000 });
    let look_up = egress.look_up(&from(), &target.grants(), &request("GET", &target.url("/a"))).await;
    assert_eq!(look_up, Err(HttpError::Unavailable(15_000)));
    clock.advance(15_000);
    assert!(matches!(send().await, SendOutcome::Retry { .. }));
    assert_eq!(send().await, SendOutcome::NotNow { after_ms: 15_000 });
}

#[tokio::test]
async fn budget_and_retry_after_apply_to_all_installations() {
    let target = Target::with_status(429, &[("retry-after", "3600")]).await;
    let (limited, clock) = egress(None, "unused", HostOptions::default());
    let outcome = limited.send(&from(), &target.grants(), &request("POST", &target.url("/a")), "k").await;
    let expected = format!("{}: status 429, quota exhausted for 3600000 ms", target.url(""));
    assert_eq!(
        outcome,
        SendOutcome::Retry { error: expected, status: Some(429), after_ms: Some(3_600_000), may_have_arrived: true }
    );
    clock.advance(600_000);
    let other = limited.send(&from(), &target.grants(), &request("POST", &target.url("/b")), "other").await;
    assert_eq!(other, SendOutcome::NotNow { after_ms: 3_000_000 });

    let target = Target::with_status(200, &[]).await;
    let options = HostOptions { requests_per_second: Some(0.5), burst: 2, ..HostOptions::default() };
    let (paced, clock) = egress(None, "unused", options);
    let send = || async { paced.send(&from(), &target.grants(), &request("POST", &target.url("/a")), "k").await };
    assert!(matches!(send().await, SendOutcome::Answered(_)));
    assert!(matches!(send().await, SendOutcome::Answered(_)));
    assert_eq!(send().await, SendOutcome::NotNow { after_ms: 2_000 });
    clock.advance(2_000);
    assert!(matches!(send().await, SendOutcome::Answered(_)));
}

#[tokio::test]
async fn every_form_of_retry_after_is_honoured_and_bounded() {
    const NOW_MS: u64 = 1_800_000_000_000;
    let now = Timestamp(NOW_MS).to_utc();
    let ahead = |seconds: i64, form: &str| (now + TimeDelta::seconds(seconds)).format(form).to_string();
    let imf = "%a, %d %b %Y %H:%M:%S GMT";
    const PACE: Option<u64> = Some(gates::PACE_MS);
    const DAY: Option<u64> = Some(24 * 3_600_000);
    for (status, fields, wait) in [
        (429, vec!["4".to_owned()], Some(4_000)),
        (503, vec![ahead(6, imf)], Some(6_000)),
        (503, vec![ahead(6, "%A, %d-%b-%y %H:%M:%S GMT")], Some(6_000)),
        (503, vec![ahead(6, "%a %b %e %H:%M:%S %Y")], Some(6_000)),
        (503, vec![ahead(-3_600, imf)], Some(0)),
        (503, vec!["Sunday, 06-Nov-94 08:49:37 GMT".to_owned()], Some(0)),
        (429, vec!["0".to_owned()], Some(0)),
        (429, vec!["-5".to_owned()], PACE),
        (429, vec!["1.5".to_owned()], PACE),
        (429, vec![String::new()], PACE),
        (429, vec!["soon".to_owned()], PACE),
        (429, vec!["4, 9".to_owned()], PACE),
        (503, vec!["-5".to_owned()], None),
        (503, vec!["864000".to_owned()], DAY),
        (503, vec!["99999999999999999999".to_owned()], DAY),
        (429, vec!["3".to_owned(), "30".to_owned()], Some(30_000)),
        (429, vec!["30".to_owned(), "3".to_owned()], Some(30_000)),
    ] {
        let answered = fields.clone();
        let target = Target::start(move |_, _| {
            let fields = answered.iter().map(|value| ("retry-after", value.clone())).collect();
            (StatusCode::from_u16(status).expect("a status"), fields, String::new())
        })
        .await;
        let (egress, clock) = plain();
        clock.advance(NOW_MS - clock.now().0);
        let send = || async { egress.send(&from(), &target.grants(), &request("POST", &target.url("/a")), "k").await };
        let outcome = send().await;
        assert!(
            matches!(&outcome, SendOutcome::Retry { after_ms, .. } if *after_ms == wait),
            "{status} {fields:?}: {outcome:?}"
        );
        match wait {
            Some(after_ms) if after_ms > 0 => assert_eq!(send().await, SendOutcome::NotNow { after_ms }, "{fields:?}"),
            _ => assert!(matches!(send().await, SendOutcome::Retry { .. }), "{fields:?}"),
        }
    }
}

#[tokio::test]
async fn a_request_without_a_grant_is_never_sent() {
    let target = Target::with_status(200, &[]).await;
    let (egress, _) = plain();
    let outcome = egress.send(&from(), &Grants::default(), &request("POST", &target.url("/a")), "k").await;
    assert!(matches!(outcome, SendOutcome::Failed { .. }), "{outcome:?}");
    let unsafe_look_up = egress.look_up(&from(), &target.grants(), &request("POST", &target.url("/a"))).await;
    assert!(matches!(unsafe_look_up, Err(HttpError::Denied(_))), "{unsafe_look_up:?}");
    assert!(egress.look_up(&from(), &target.grants(), &request("POST", &target.url("/search"))).await.is_ok());
    let unknown = egress.send(&from(), &target.grants(), &with_auth("POST", &target.url("/a")), "k").await;
    assert!(
        matches!(&unknown, SendOutcome::Failed { error, may_have_arrived: false } if error.contains("[auth.p]")),
        "{unknown:?}"
    );
    assert!(target.seen("/a").is_empty());
}

#[tokio::test]
async fn a_proxy_is_used_for_public_targets_only() {
    let (proxy, inside) = (Target::with_status(200, &[]).await, Target::with_status(204, &[]).await);
    let client = ClientOptions { proxy: Some(proxy.url("")), ..ClientOptions::default() };
    let (egress, _) = egress_with(None, "unused", HostOptions::default(), client);
    let mut grants = proxy.grants_for("crm.invalid", false);
    grants.http.extend(inside.grants().http);
    let url = format!("http://crm.invalid:{}/through", proxy.address.port());
    assert_eq!(egress.look_up(&from(), &grants, &request("GET", &url)).await.expect("through the proxy").status, 200);
    assert_eq!(
        egress.look_up(&from(), &grants, &request("GET", &inside.url("/direct"))).await.expect("direct").status,
        204
    );
    assert_eq!((proxy.seen("/through").len(), proxy.seen("/direct").len(), inside.seen("/direct").len()), (1, 0, 1));
}
