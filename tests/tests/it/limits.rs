//! Limits of ingress, and access to the control API.

use std::os::unix::fs::PermissionsExt as _;

use handoff_tests::harness::{CONTROL_TOKEN, LEADS_SECRET, TestHost, body_hmac, component, web_leads};

#[tokio::test]
async fn requests_over_the_limits_are_refused() {
    let host = TestHost::new().ingress(
        "hook-body-bytes = 2000\nevents-body-bytes = 5000\n[ingress.rate]\nhook-per-second = 1\nhook-burst = 3\n",
    );
    let host = host.start().await;
    host.install("web-leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();

    let large = "x".repeat(2001);
    let signature = body_hmac(LEADS_SECRET, large.as_bytes());
    host.post("/hooks/web-leads", &[("x-signature", &signature)], large).await.problem(413);
    let headers = [("content-type", "application/cloudevents+json")];
    host.post("/events", &headers, "x".repeat(5001)).await.problem(413);

    let mut answers = Vec::new();
    for number in 0..4 {
        // Only what is signed counts against the hook.
        let signature = body_hmac(LEADS_SECRET, format!("{number}").as_bytes());
        host.post("/hooks/web-leads", &[("x-signature", "sha256=00")], format!("{number}")).await.problem(401);
        answers.push(host.post("/hooks/web-leads", &[("x-signature", &signature)], format!("{number}")).await);
    }
    let busy =
        answers.into_iter().find(|answer| answer.status == 429).expect("at latest the fourth request must be refused");
    let wait: u64 = busy.headers["retry-after"].to_str().expect("text").parse().expect("whole seconds");
    assert!((1..=4).contains(&wait), "{wait}");
    busy.problem(429);
    // Other clients are not affected.
    assert_eq!(host.get("/readyz").await.status, 200);
    host.post("/events", &headers, "{}").await.problem(422);

    host.get("/nothing-here").await.problem(404);
    host.get("/events").await.problem(405);
}

/// All requests come from loopback. A stranger names another address in each of its requests.
#[tokio::test]
async fn rates_count_for_the_sender_that_a_trusted_proxy_names() {
    let rate = "[ingress.rate]\nclient-per-second = 1\nclient-burst = 2\n";
    for (trusted, is_trusted) in [("trusted-proxies = [\"127.0.0.0/8\"]\n", true), ("", false)] {
        let host = TestHost::new().ingress(&format!("{trusted}{rate}")).start().await;
        host.install("web-leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();
        let junk = async |forwarded: &str| {
            host.post("/hooks/web-leads", &[("x-forwarded-for", forwarded), ("x-signature", "sha256=00")], "junk").await
        };
        let mut seen = Vec::new();
        for number in 0..6 {
            seen.push(junk(&format!("203.0.113.{number}, 198.51.100.9")).await.status);
        }
        assert!(seen.contains(&429), "{is_trusted}: {seen:?}");
        let other = junk("203.0.113.1, 198.51.100.10").await.status;
        assert_eq!(other, if is_trusted { 401 } else { 429 }, "the other sender behind the proxy");
        let hooks = host.cli_json(&["hooks", "web-leads"]).await.to_string();
        assert_eq!(hooks.contains("198.51.100.10"), is_trusted, "{hooks}");
    }
}

#[tokio::test]
async fn the_control_api_requires_the_socket_or_the_token() {
    let host = TestHost::new().start().await;
    let socket = host.folder().join("data/control.sock");
    let mode = std::fs::metadata(&socket).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let ask = async |token: Option<&str>| {
        let mut request = host.client().get(host.control_url("/v1/status"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask(None).await, 401);
    assert_eq!(ask(Some("guess")).await, 401);
    assert_eq!(ask(Some(CONTROL_TOKEN)).await, 200);
    assert_eq!(host.get("/v1/status").await.status, 404, "ingress must not serve the control API");

    let file = host.folder().join("token");
    std::fs::write(&file, format!("{CONTROL_TOKEN}\n")).expect("written");
    let (url, file) = (host.control_url(""), file.display().to_string());
    host.cli(&["status", "--url", &url, "--token-file", &file]).await.ok().says(&["ready"]);
    std::fs::write(&file, "wrong").expect("written");
    host.cli(&["status", "--url", &url, "--token-file", &file]).await.exits(5);
    host.cli(&["status", "--socket", "/nowhere.sock"]).await.exits(4);
}
