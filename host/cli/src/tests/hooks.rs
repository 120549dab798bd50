//! Tests the format of hooks.

use expect_test::expect;
use serde_json::{Value, json};

use super::views::style;
use crate::show::hooks;

fn summary() -> Value {
    json!({
        "name": "web-leads", "scope": "main-street", "path": "/hooks/web-leads", "verify": "body-hmac",
        "accepted": 118, "duplicates": 2, "refused": 3,
        "reasons": [{"reason": "content-encoding", "count": 1}, {"reason": "wrong-signature", "count": 2}],
        "lastRefused": refused()
    })
}

fn refused() -> Value {
    json!({
        "at": "2026-03-30T17:03:00Z", "address": "192.0.2.7", "status": 401, "reason": "wrong-signature", "bodyBytes": 812,
        "id": "msg_7\u{1b}[31m", "detail": "no secret gives the signature in `x-signature` for this body"
    })
}

#[test]
fn hooks_are_listed_with_their_last_refusal() {
    let quiet = json!({
        "name": "crm", "scope": "main-street", "path": "/hooks/crm", "verify": "standard-webhooks",
        "accepted": 9, "duplicates": 0, "refused": 0
    });
    let unknown = json!({
        "refused": 4,
        "lastRefused": [{"at": "2026-03-30T17:04:00Z", "status": 404, "reason": "no-such-hook", "detail": "-",
                         "address": "192.0.2.8", "path": "/hooks/web-lead"}]
    });
    let list = json!({"since": "2026-03-30T15:05:00Z", "hooks": [quiet, summary()], "unknown": unknown});
    expect![[r#"
        hook       verified by        accepted  refused  last refused
        crm        standard-webhooks         9        0  -
        web-leads  body-hmac               120        3  wrong-signature, 2 min ago
        4 requests to hooks that do not exist:
          /hooks/web-lead from 192.0.2.8, 1 min ago
        counted since 10:05:00 (2 h ago); one's refusals: handoff hooks NAME
    "#]]
    .assert_eq(&hooks::list(&serde_json::from_value(list).unwrap(), &style()));
}

#[test]
fn a_hook_shows_why_its_webhooks_were_refused() {
    let mut view = summary();
    view["since"] = "2026-03-30T15:05:00Z".into();
    view["refusals"] = json!([refused()]);
    expect![[r#"
        hook      POST /hooks/web-leads, verified by body-hmac
        rooftop   main-street
        counted   since 10:05:00 (2 h ago)
        accepted  118, and 2 duplicates already in the log
        refused   3: 1 content-encoding, 2 wrong-signature

        The last 1 refusal
          12:03:00  wrong-signature  401, from 192.0.2.7, 812 B, id msg_7\u{1b}[31m
            no secret gives the signature in `x-signature` for this body
    "#]]
    .assert_eq(&hooks::one(&serde_json::from_value(view).unwrap(), &style()));
}
