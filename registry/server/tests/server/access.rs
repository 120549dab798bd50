//! Access: anonymous readers, users with name and password, tokens.

use handoff_package::Digest;
use handoff_registry_server::{Access, Challenge, ServerOptions};

use crate::harness::{IMAGE_MANIFEST, Registry, send};

/// Three users with the password `secret`.
pub(crate) fn users() -> String {
    let hash = bcrypt::hash("secret", 4).unwrap();
    format!("# users\nacme:{hash}\nci@acme:{hash}:acme/tools,other\nreader:{hash}:\nroot:{hash}:*\n")
}

fn with_users(options: &mut ServerOptions, anonymous_read: bool, challenge: Challenge) {
    options.access = Access::Users { file: "users".into(), anonymous_read, challenge };
}

#[tokio::test]
async fn a_user_pushes_to_their_own_publisher_and_everybody_reads() {
    let registry = Registry::start_with(|options| with_users(options, true, Challenge::Basic)).await;
    let push = |user: &str, password: &str, repository: &str| {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", Digest::of(b"x"));
        let request = registry.request("POST", &path).body("x");
        if user.is_empty() { request } else { request.basic_auth(user, Some(password)) }
    };
    let asked = send(push("", "", "acme/x")).await.refused(401, "UNAUTHORIZED");
    assert_eq!(asked.header("www-authenticate"), "Basic realm=\"handoff-registry\"");
    send(push("acme", "wrong", "acme/x")).await.refused(401, "UNAUTHORIZED");
    send(push("nobody", "secret", "acme/x")).await.refused(401, "UNAUTHORIZED");
    send(push("acme", "secret", "other/x")).await.refused(403, "DENIED");
    send(push("reader", "secret", "acme/x")).await.refused(403, "DENIED");
    send(push("acme", "secret", "acme/x")).await.expect(201);
    send(push("ci@acme", "secret", "acme/tools/x")).await.expect(201);
    send(push("ci@acme", "secret", "acme/x")).await.refused(403, "DENIED");
    registry.get(&format!("/v2/acme/x/blobs/{}", Digest::of(b"x"))).await.expect(200);
    // Clients learn here how to log in, even if everybody may read.
    registry.get("/v2/").await.refused(401, "UNAUTHORIZED");
    send(registry.request("GET", "/v2/").basic_auth("acme", Some("secret"))).await.expect(200);
    for (method, path) in [("DELETE", "manifests/1.0.0"), ("PUT", "manifests/1.0.0"), ("GET", "blobs/uploads/0")] {
        send(registry.request(method, &format!("/v2/acme/x/{path}"))).await.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn a_token_allows_what_its_user_may_and_no_more() {
    let registry = Registry::start_with(|options| with_users(options, false, Challenge::Token)).await;
    let asked = registry.get("/v2/acme/x/tags/list").await.refused(401, "UNAUTHORIZED");
    let expected = format!(
        "Bearer realm=\"{}/token\",service=\"handoff-registry\",scope=\"repository:acme/x:pull\"",
        registry.url
    );
    assert_eq!(asked.header("www-authenticate"), expected);
    registry.get("/").await.expect(401);
    registry.get("/v1/search").await.refused(401, "UNAUTHORIZED");
    registry.get("/token?service=handoff-registry").await.refused(401, "UNAUTHORIZED");

    let scope = "/token?service=handoff-registry&scope=repository:acme/x:pull,push&scope=repository:other/x:pull,push";
    let given = send(registry.request("GET", scope).basic_auth("acme", Some("secret"))).await.expect(200).json();
    let token = given["token"].as_str().unwrap();
    let with = |method: &str, path: &str, token: &str| registry.request(method, path).bearer_auth(token);
    send(with("POST", "/v2/acme/x/blobs/uploads/", token)).await.expect(202);
    send(with("POST", "/v2/other/x/blobs/uploads/", token)).await.refused(401, "UNAUTHORIZED");
    send(with("GET", "/v2/other/x/tags/list", token)).await.refused(404, "NAME_UNKNOWN");
    send(with("GET", "/v2/third/x/tags/list", token)).await.refused(401, "UNAUTHORIZED");
    // A token with another signature or other content is invalid.
    let (head, rest) = token.split_once('.').unwrap();
    let forged = format!("{head}.{}", rest.replace(rest.get(4..6).unwrap(), "AA"));
    for wrong in ["x", "a.b.c", &forged, "eyJhbGciOiJub25lIn0.e30."] {
        send(with("GET", "/v2/acme/x/tags/list", wrong)).await.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn a_read_only_registry_accepts_no_push() {
    let registry = Registry::start_with(|options| options.access = Access::ReadOnly).await;
    registry.get("/v2/").await.expect(200);
    send(registry.request("POST", "/v2/acme/x/blobs/uploads/")).await.refused(403, "DENIED");
    registry.put_manifest("acme/x", "1.0.0", IMAGE_MANIFEST, &serde_json::json!({})).await.refused(403, "DENIED");
}
