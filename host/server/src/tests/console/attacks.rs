//! What strangers, other sites and hostile content try with the console.

use serde_json::json;

use super::super::bench::{Bench, get, send};
use super::{Browser, CONFIG, FORM, OWN, TOKEN};
use crate::ingress;
use handoff_model::failure::Failure;
use handoff_model::names::Position;

#[tokio::test]
async fn only_the_control_token_opens_a_session() {
    let bench = Bench::new(CONFIG).await;
    let mut browser = Browser::new(&bench);
    let stranger = browser.get("/events?limit=3").await;
    assert_eq!((stranger.status.as_u16(), stranger.header("location")), (303, "/sign-in?to=%2Fevents%3Flimit%3D3"));
    assert_eq!(browser.get("/none").await.header("location"), "/sign-in?to=%2Fnone", "paths are not for guessing");
    let wrong = browser.sign_in("open", "").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("set-cookie")), (401, ""));
    assert!(wrong.text.contains("This is not the control token."), "{}", wrong.text);
    let right = browser.sign_in(TOKEN, "/events?limit=3").await;
    assert_eq!((right.status.as_u16(), right.header("location")), (303, "/events?limit=3"));
    let cookie = right.header("set-cookie");
    assert!(
        cookie.starts_with("handoff-session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    assert!(browser.page("/").await.contains("Sign out"));
    let api = browser.get("/v1/status").await;
    assert_eq!(api.problem(), "401 unauthorized -", "a session is not a token of the API");
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_this_host() {
    let bench = Bench::new(CONFIG).await;
    let router = crate::control::tcp_router(bench.shard.clone(), true);
    let answer = send(&router, "POST", "/sign-in", &[FORM, OWN], format!("token={TOKEN}")).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-handoff-session=") && cookie.contains("; Secure"), "{cookie}");
    let value = cookie.split_once(';').expect("attributes").0.replace("__Host-", "");
    let other = send(&router, "GET", "/", &[("cookie", value.as_str())], "").await;
    assert_eq!(other.status, 303, "a cookie that another host may have set is none");
}

#[tokio::test]
async fn a_session_gets_a_new_id_and_ends_when_signed_out() {
    let bench = Bench::new(CONFIG).await;
    let mut browser = Browser::new(&bench);
    // A cookie that an attacker planted before is not the session's.
    browser.cookie = "handoff-session=0123456789abcdef".to_owned();
    browser.sign_in(TOKEN, "").await;
    assert_ne!(browser.cookie, "handoff-session=0123456789abcdef");
    let first = browser.cookie.clone();
    browser.sign_in(TOKEN, "").await;
    assert_ne!(browser.cookie, first);
    let old = send(&browser.router, "GET", "/", &[("cookie", &first)], "").await;
    assert_eq!(old.status, 303, "the session before is over");
    let both = format!("{}; handoff-session=x", browser.cookie);
    assert_eq!(send(&browser.router, "GET", "/", &[("cookie", &both)], "").await.status, 303, "which one is unclear");
    let out = browser.post("/sign-out", "").await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, "/sign-in?out=1"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(browser.get("/").await.status, 303, "the host has forgotten it, too");
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let bench = Bench::new(CONFIG).await;
    let browser = Browser::signed_in(&bench).await;
    let csrf = browser.csrf().await;
    let other = Browser::signed_in(&bench).await.csrf().await;
    let (own, foreign) = (format!("csrf={csrf}"), format!("csrf={other}"));
    let origin = |origin| [FORM, ("host", "127.0.0.1:9180"), ("origin", origin)];
    let pause = "/installations/web-leads/pause";
    let mut seen = Vec::new();
    for (headers, body) in [
        (vec![FORM], own.as_str()),
        (vec![FORM, ("sec-fetch-site", "cross-site")], &own),
        (vec![FORM, ("sec-fetch-site", "same-site")], &own),
        (vec![FORM, ("sec-fetch-site", "none")], &own),
        (origin("null").to_vec(), &own),
        (origin("http://127.0.0.1:9181").to_vec(), &own),
        (vec![FORM, OWN], ""),
        (vec![FORM, OWN], &foreign),
        (vec![("content-type", "text/plain"), OWN], &own),
    ] {
        seen.push(browser.send("POST", pause, &headers, body).await.status.as_u16());
    }
    assert_eq!(seen, [403, 403, 403, 403, 403, 403, 403, 403, 415]);
    let paused = || bench.shard.store().installations()[0].paused.is_some();
    assert!(!paused());
    assert_eq!(browser.get(pause).await.status, 405, "a link changes nothing");
    let plain = browser.send("POST", pause, &origin("http://127.0.0.1:9180"), &own).await;
    assert_eq!(plain.status, 303, "over plain HTTP, browsers send the origin alone: {}", plain.text);
    assert!(paused());
}

#[tokio::test]
async fn after_signing_in_nobody_is_sent_to_another_site() {
    let bench = Bench::new(CONFIG).await;
    for back in
        ["//evil.example", "https://evil.example/", "/%5Cevil.example", "/%09/evil.example", "/a%0d%0aset-cookie:x", ""]
    {
        let answer = Browser::new(&bench).sign_in(TOKEN, back).await;
        assert_eq!(answer.header("location"), "/", "{back}");
        let page = Browser::new(&bench).get(&format!("/sign-in?to={back}")).await;
        assert!(page.text.contains("name=\"to\" value=\"/\""), "{back}: {}", page.text);
    }
}

#[tokio::test]
async fn wrong_tokens_slow_their_address_down() {
    let bench = Bench::new(CONFIG).await;
    let mut browser = Browser::new(&bench);
    for _ in 0..5 {
        assert_eq!(browser.sign_in("guess", "").await.status, 401);
    }
    let slowed = browser.sign_in(TOKEN, "").await;
    assert_eq!((slowed.status.as_u16(), slowed.header("retry-after")), (429, "1"), "{}", slowed.text);
    assert!(slowed.text.contains("Try again in 1 s."), "{}", slowed.text);
}

#[tokio::test]
async fn every_answer_tells_the_browser_what_to_refuse() {
    let bench = Bench::new(CONFIG).await;
    let browser = Browser::signed_in(&bench).await;
    let page = browser.page("/").await;
    let style = page.split_once("stylesheet\" href=\"").expect("a style sheet").1.split('"').next().expect("its path");
    for uri in ["/", "/sign-in", "/none", "/events/x", style] {
        let answer = browser.get(uri).await;
        let policy = answer.header("content-security-policy");
        for part in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{uri}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        let kept = if uri == style { "public, max-age=31536000, immutable" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), kept, "{uri}");
    }
    let other = browser.get("/assets/0000000000000000/style.css").await;
    assert_eq!(other.status, 404, "a path with another digest is not kept for good");
    for text in [page, browser.page("/installations/web-leads").await] {
        for inline in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!text.contains(inline), "{inline}");
        }
    }
}

/// Whatever a sender, a connector or a person can write.
#[tokio::test]
async fn nothing_that_others_write_becomes_markup() {
    const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let bench = Bench::new(CONFIG).await;
    let router = ingress::router(bench.shard.clone());
    for id in ["1", EVIL] {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/shop", "type": "com.example.lead", "subject": EVIL,
            "datacontenttype": "application/json", "data": {EVIL: EVIL},
        });
        let headers = [("content-type", "application/cloudevents+json")];
        assert_eq!(send(&router, "POST", "/events", &headers, event.to_string()).await.status, 202);
    }
    bench.dead_letter_of(Position(1), Failure::reject("bad-vin", EVIL)).await;
    let browser = Browser::signed_in(&bench).await;
    let evil: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    browser.post("/installations/web-leads/pause", &format!("reason={evil}")).await;
    let mut pages = Vec::new();
    for uri in [
        "/",
        "/installations",
        "/installations/web-leads",
        "/events",
        "/events/1?data=1",
        "/events/2?data=1",
        "/dead-letters",
        "/dead-letters/discard?id=web-leads/1",
        "/dead-letters/redrive?installation=web-leads&code=bad-vin",
        "/held",
        "/incidents",
        "/audit",
        "/host",
        "/find",
    ] {
        pages.push((uri.to_owned(), browser.page(uri).await));
    }
    for uri in [
        format!("/events?type={evil}&source={evil}"),
        format!("/events?installation={evil}"),
        format!("/events?rooftop={evil}"),
        format!("/audit?installation={evil}"),
        format!("/dead-letters?code={evil}&redriven={evil}"),
        format!("/sign-in?to={evil}"),
        format!("/installations/{}", evil.replace('+', "%20").replace("%2F", "")),
        format!("/{evil}"),
    ] {
        pages.push((uri.clone(), browser.get(&uri).await.text));
    }
    pages.push(("find".to_owned(), browser.post("/find", &format!("text={evil}&days=0")).await.text));
    pages.push(("sign-in".to_owned(), get(&browser.router, &format!("/sign-in?to={evil}")).await.text));
    for (uri, text) in &pages {
        for markup in ["<script>alert", "<img src=x", "\"'>"] {
            assert!(!text.contains(markup), "{uri}: {text}");
        }
    }
    assert!(
        pages.iter().filter(|(_, text)| text.contains("&#60;script&#62;alert(1)")).count() >= 8,
        "it is shown as text"
    );
}
