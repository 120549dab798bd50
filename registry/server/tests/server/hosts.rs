//! Host names: a page of another site cannot use a browser to reach the registry under a name of its own.

use handoff_registry_server::{Access, Challenge};

use crate::harness::{Registry, send};

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    // Also an open registry, which asks for no password.
    for open in [true, false] {
        let registry = Registry::start_with(move |options| {
            if !open {
                options.access = Access::ReadOnly;
            }
        })
        .await;
        let port = registry.server().address().port();
        let foreign = format!("evil.example:{port}");
        for (method, path) in
            [("GET", "/v2/"), ("POST", "/v2/acme/x/blobs/uploads/"), ("GET", "/v1/search"), ("GET", "/v2")]
        {
            let answer = send(registry.request(method, path).header("host", &foreign)).await;
            let text = answer.refused(421, "UNSUPPORTED").text();
            assert!(text.contains("evil.example") && text.contains("`public-url`"), "{text}");
        }
        let page = send(registry.request("GET", "/").header("host", &foreign)).await.expect(421);
        assert!(page.text().contains("Wrong address") && page.text().contains("public-url"), "{}", page.text());
        for own in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "[::1]".to_owned()] {
            send(registry.request("GET", "/v2/").header("host", own)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn the_public_url_is_answered_to_and_shown() {
    let registry = Registry::start_with(|options| {
        options.public_url = Some("https://Registry.example/".parse().unwrap());
        options.access = Access::Users { file: "users".into(), anonymous_read: true, challenge: Challenge::Token };
    })
    .await;
    let page = send(registry.request("GET", "/").header("host", "registry.example")).await.expect(200);
    assert!(page.text().contains("url = &quot;https://registry.example&quot;"), "{}", page.text());
    // Clients that come by another of its names are sent to the public one for a token.
    let asked = registry.get("/v2/").await.refused(401, "UNAUTHORIZED");
    let challenge = asked.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"https://registry.example/token\""), "{challenge}");
    send(registry.request("GET", "/v2/").header("host", "other.example")).await.refused(421, "UNSUPPORTED");
}
