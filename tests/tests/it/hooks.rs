//! Authentication of webhooks: signatures and tokens.

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
