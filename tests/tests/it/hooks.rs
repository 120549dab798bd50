//! Authentication of webhooks: signatures and tokens.

mod shapes;

use std::time::{SystemTime, UNIX_EPOCH};

use handoff_tests::harness::{
    CRM_HOOK_SECRET, LEADS_SECRET, TestHost, body_hmac, component, standard_webhook, web_leads,
};
use handoff_tests::leads::Lead;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use toml::Table;

fn with_hook(host_folder: &std::path::Path, hook: &str) -> Table {
    let mut settings = web_leads(host_folder);
    settings.remove("folders");
    settings.insert("hook".to_owned(), toml::Value::Table(hook.parse().expect("TOML")));
    settings
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[tokio::test]
async fn only_authenticated_webhooks_are_accepted() {
    let host = TestHost::new().start().await;
    let adf_leads = component("adf-leads");
    let settings = |hook: &str| with_hook(host.folder(), hook);
    let hmac = "verify = \"body-hmac\"\nsecret = \"leads-hook\"\nheader = \"x-signature\"\nencoding = \"hex\"\nprefix = \"sha256=\"";
    let standard = "verify = \"standard-webhooks\"\nsecret = \"crm-hook\"\ntolerance-seconds = 300";
    let jwt = "verify = \"jwt\"\nsecret = \"leads-hook\"\nissuer = \"https://id.vendor.example\"\naudience = \"handoff\"\nalgorithms = [\"HS256\"]";
    for (name, hook) in [("by-hmac", hmac), ("by-standard", standard), ("by-jwt", jwt)] {
        host.install(name, &adf_leads, &settings(hook)).await.ok();
    }
    body_hmac_over_the_raw_body(&host).await;
    standard_webhooks_with_their_time(&host).await;
    tokens_of_the_right_issuer(&host).await;

    // Senders cannot learn which webhooks exist.
    let unknown = host.post("/hooks/nobody", &[], "x").await.problem(404);
    assert!(!unknown.to_string().contains("by-hmac"), "{unknown}");
    host.post("/hooks/UPPER%20CASE", &[], "x").await.problem(404);
    let seen = host.events("com.handoff.hook.received.v1").await;
    assert_eq!(seen.len(), 3, "only verified webhooks may be in the log: {seen:#?}");
}

async fn body_hmac_over_the_raw_body(host: &TestHost) {
    let body = Lead::new(30).adf();
    let good = body_hmac(LEADS_SECRET, body.as_bytes());
    let post = async |signature: &str| host.post("/hooks/by-hmac", &[("x-signature", signature)], body.clone()).await;
    post(&good).await.expect(202);
    let forged = post(&body_hmac("another secret", body.as_bytes())).await.problem(401);
    assert!(!forged.to_string().contains(&good), "the correct signature must not be shown");
    post(good.trim_start_matches("sha256=")).await.problem(401);
    host.post("/hooks/by-hmac", &[], body.clone()).await.problem(401);
    let other_body = host.post("/hooks/by-hmac", &[("x-signature", &good)], format!("{body} ")).await;
    other_body.problem(401);
}

async fn standard_webhooks_with_their_time(host: &TestHost) {
    let body = Lead::new(31).adf();
    let post = async |seconds: u64, secret: &str| {
        let signed = standard_webhook(secret, "msg_31", seconds, body.as_bytes());
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        host.post("/hooks/by-standard", &headers, body.clone()).await
    };
    post(now(), CRM_HOOK_SECRET).await.expect(202);
    let again = post(now(), CRM_HOOK_SECRET).await.expect(202);
    assert_eq!(again.json()["duplicates"], 1, "the same webhook-id is the same event");
    post(now() - 3600, CRM_HOOK_SECRET).await.problem(401);
    post(now() + 3600, CRM_HOOK_SECRET).await.problem(401);
    post(now(), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await.problem(401);
    host.post("/hooks/by-standard", &[], body.clone()).await.problem(401);
}

async fn tokens_of_the_right_issuer(host: &TestHost) {
    let token = |secret: &str, issuer: &str, expires: u64| {
        let claims = json!({ "iss": issuer, "aud": "handoff", "exp": expires, "sub": "vendor" });
        encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
    };
    let post = async |token: String| {
        let bearer = format!("Bearer {token}");
        host.post("/hooks/by-jwt", &[("authorization", &bearer)], Lead::new(32).adf()).await
    };
    let issuer = "https://id.vendor.example";
    post(token(LEADS_SECRET, issuer, now() + 600)).await.expect(202);
    post(token(LEADS_SECRET, issuer, now() - 600)).await.problem(401);
    post(token("another secret", issuer, now() + 600)).await.problem(401);
    post(token(LEADS_SECRET, "https://evil.example", now() + 600)).await.problem(401);
    host.post("/hooks/by-jwt", &[], Lead::new(32).adf()).await.problem(401);
    // `alg: none` is the classic forgery.
    let unsigned = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkLnZlbmRvci5leGFtcGxlIiwiYXVkIjoiaGFuZG9mZiIsImV4cCI6OTk5OTk5OTk5OX0.";
    let refused = post(unsigned.to_owned()).await;
    assert!(matches!(refused.status, 400 | 401), "{refused:?}");
}

#[tokio::test]
async fn the_operator_sees_why_a_webhook_was_refused_and_the_sender_does_not() {
    let host = TestHost::new().start().await;
    let jwt = "verify = \"jwt\"\nsecret = [\"gone\", \"leads-hook\"]\nissuer = \"https://id.vendor.example\"\naudience = \"main-street\"\nalgorithms = [\"HS256\"]";
    let configuration = host.folder().join("handoff.toml");
    let text = std::fs::read_to_string(&configuration).expect("handoff.toml");
    let mut host = host;
    host.stop().await;
    std::fs::write(&configuration, text + "\n[secrets.gone]\nfile = \"secrets/gone\"\n").expect("written");
    host.start_again().await;
    host.install("by-jwt", &component("adf-leads"), &with_hook(host.folder(), jwt)).await.ok();
    let post = async |secret: &str, claims: serde_json::Value| {
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token");
        host.post("/hooks/by-jwt", &[("authorization", &format!("Bearer {token}"))], Lead::new(33).adf()).await
    };
    let claims = |audience: &str, expires: u64| json!({ "iss": "https://id.vendor.example", "aud": audience, "exp": expires, "sub": "vendor" });
    post(LEADS_SECRET, claims("main-street", now() + 600)).await.expect(202);
    let told = [
        post(LEADS_SECRET, claims("south-store", now() + 600)).await.problem(401),
        post(LEADS_SECRET, claims("main-street", now() - 600)).await.problem(401),
        post("another secret", claims("main-street", now() + 600)).await.problem(401),
    ];
    assert_eq!(told[0], told[1], "the sender learns nothing of the reason");
    assert_eq!(told[1], told[2]);

    let seen = host.cli_json(&["hooks", "by-jwt"]).await;
    assert_eq!((&seen["accepted"], &seen["refused"]), (&1.into(), &3.into()), "{seen:#}");
    let reasons: Vec<_> = seen["refusals"].as_array().expect("refusals").iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["wrong-signature", "expired", "wrong-audience"], "newest first");
    let shown = host.cli(&["hooks", "by-jwt"]).await.ok();
    shown.says(&["the token's audience is \"south-store\"; expected \"main-street\"", "from 127.0.0.1"]);
    host.cli(&["hooks"]).await.ok().says(&["by-jwt", "wrong-signature"]);
}
