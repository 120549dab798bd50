//! Tests the format of hooks.

use expect_test::expect;
use serde_json::{Value, json};

use super::views::style;
use crate::show::hooks;

fn summary() -> Value {
    json!({
        "name": "web-leads", "rooftop": "main-street", "path": "/hooks/web-leads", "verify": "body-hmac",
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
        "name": "crm", "rooftop": "main-street", "path": "/hooks/crm", "verify": "standard-webhooks",
        "accepted": 9, "duplicates": 0, "refused": 0
    });
    let unknown = json!({
        "refused": 4,
        "lastRefused": [{"at": "2026-03-30T17:04:00Z", "status": 404, "reason": "no-such-hook", "detail": "-",
                         "address": "192.0.2.8", "path": "/hooks/web-lead"}]
    });
    let list = json!({"since": "2026-03-30T15:05:00Z", "hooks": [quiet, summary()], "unknown": unknown});
    expect![[r#""#]].assert_eq(&hooks::list(&serde_json::from_value(list).unwrap(), &style()));
}

#[test]
fn a_hook_shows_why_its_webhooks_were_refused() {
    let mut view = summary();
    view["since"] = "2026-03-30T15:05:00Z".into();
    view["refusals"] = json!([refused()]);
    expect![[r#""#]].assert_eq(&hooks::one(&serde_json::from_value(view).unwrap(), &style()));
}
