//! Tests the format of responses, from fixed views.

use expect_test::{Expect, expect};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::show;
use crate::style::{Style, Zone, clean, cut, size, span};
use handoff_model::time::Timestamp;

pub(crate) fn style() -> Style {
    let now = Timestamp::parse_rfc3339("2026-03-30T17:05:00Z").unwrap();
    Style { colour: false, width: Some(110), now, zone: Zone::Named(chrono_tz::America::Chicago) }
}

/// Renders a view from its wire form, so that it tests parsing and rendering together.
fn check<V: DeserializeOwned>(json: Value, render: impl FnOnce(&V, &Style) -> String, expected: Expect) {
    expected.assert_eq(&render(&serde_json::from_value(json).unwrap(), &style()));
}

fn lead_trace() -> Value {
    let listed = json!({
        "event": {"position": 1044, "at": "2026-03-30T17:03:05.400Z", "id": "c", "source": "/installations/bdc-list",
                  "type": "com.handoff.call.listed.v1", "subject": "7f3a", "dataBytes": 80,
                  "scope": "main-street"},
        "deliveries": []
    });
    let received = json!({
        "event": {"position": 1043, "at": "2026-03-30T17:03:00.010Z", "id": "b", "source": "/installations/web-leads",
                  "type": "com.handoff.lead.received.v1", "subject": "7f3a", "dataBytes": 900,
                  "scope": "main-street"},
        "deliveries": [{
            "installation": "bdc-list", "scope": "main-street", "state": "committed",
            "attempts": [
                {"attempt": 1, "generation": 2, "version": "1.0.0", "at": "2026-03-30T17:03:00.020Z", "durationMs": 31.0,
                 "outcome": "failed", "failure": {"kind": "retry", "code": "crm-unavailable", "message": "the CRM\u{1b}[31m answered 503"},
                 "lookUps": [{"method": "GET", "url": "https://crm.example/customers?phone=…", "status": 503, "durationMs": 29}]},
                {"attempt": 2, "generation": 2, "version": "1.0.0", "at": "2026-03-30T17:03:05.300Z", "durationMs": 44.0,
                 "outcome": "committed", "logs": [{"at": "2026-03-30T17:03:05.310Z", "level": "info", "message": "listed",
                                                   "fields": [["priority", "1"]]}]}
            ],
            "effects": {
                "state": [{"key": "lead/7f3a", "bytes": 412}],
                "timers": [{"key": "escalate/7f3a", "at": "2026-03-30T17:18:05.300Z", "type": "com.handoff.call.escalated.v1"}],
                "outbox": [{"id": "bdc-list/1045", "installation": "bdc-list", "scope": "main-street", "generation": 1, "key": "crm/7f3a", "method": "POST", "url": "https://crm.example/leads",
                            "state": "answered", "attempts": 2, "status": 201, "at": "2026-03-30T17:03:05.400Z",
                            "endedAt": "2026-03-30T17:03:09.000Z"}],
                "emitted": [listed]
            }
        }]
    });
    json!({
        "event": {"position": 1042, "at": "2026-03-30T17:03:00Z", "id": "a", "source": "/hooks/web-leads",
                  "type": "com.handoff.hook.received.v1", "dataBytes": 1800,
                  "scope": "main-street"},
        "deliveries": [{
            "installation": "web-leads", "scope": "main-street", "state": "committed",
            "attempts": [{"attempt": 1, "generation": 3, "version": "1.1.0", "at": "2026-03-30T17:03:00.001Z",
                          "durationMs": 4.2, "outcome": "committed"}],
            "effects": {"emitted": [received]}
        }]
    })
}

#[test]
fn a_trace_shows_a_leads_way_to_the_call_list() {
    check(
        lead_trace(),
        |view, style| show::trace::trace(view, false, style),
        expect![[r#"
            hook received #1042 from /hooks/web-leads, 12:03:00 (2 min ago)
            └─ ✔ web-leads: done in 4.2 ms by version 1.1.0, generation 3
               └─ lead received #1043 7f3a
                  └─ ✔ bdc-list: done in 44 ms by version 1.0.0, generation 2
                     ├─ 12:03:00 attempt 1 (1.0.0, 31 ms): crm-unavailable: the CRM\u{1b}[31m answered 503
                     ├─ kept 1 record
                     ├─ reminder for 12:18:05 (in 13 min): call escalated
                     ├─ POST https://crm.example/leads → answered 201 after 2 attempts
                     └─ call listed #1044 5 s later
                        └─ no connector here handles it
        "#]],
    );
}

#[test]
fn a_verbose_trace_shows_look_ups_logs_and_records() {
    check(
        lead_trace(),
        |view, style| show::trace::trace(view, true, style),
        expect![[r#"
            hook received #1042 from /hooks/web-leads, 12:03:00 (2 min ago)  com.handoff.hook.received.v1 id a
            └─ ✔ web-leads: done in 4.2 ms by version 1.1.0, generation 3
               ├─ 12:03:00 attempt 1 (1.1.0, 4.2 ms): done
               └─ lead received #1043 7f3a  com.handoff.lead.received.v1 id b
                  └─ ✔ bdc-list: done in 44 ms by version 1.0.0, generation 2
                     ├─ 12:03:00 attempt 1 (1.0.0, 31 ms): crm-unavailable: the CRM\u{1b}[31m answered 503
                     │  └─ asked GET https://crm.example/customers?phone=… → 503 in 29 ms
                     ├─ 12:03:05 attempt 2 (1.0.0, 44 ms): done
                     │  └─ info  listed priority=1
                     ├─ kept 1 record
                     │  └─ lead/7f3a (412 B)
                     ├─ reminder for 12:18:05 (in 13 min): call escalated
                     ├─ POST https://crm.example/leads → answered 201 after 2 attempts
                     └─ call listed #1044 5 s later  com.handoff.call.listed.v1 id c
                        └─ no connector here handles it
        "#]],
    );
}

#[test]
fn a_trace_shows_emitted_events_of_a_delivery_that_was_rolled_back() {
    let sent = json!({
        "event": {"position": 1043, "at": "2026-03-30T17:03:00.010Z", "id": "b", "source": "/installations/web-leads",
                  "type": "com.handoff.lead.received.v1", "dataBytes": 900,
                  "scope": "main-street"},
        "deliveries": []
    });
    let attempt = |number: u64, version: &str, effects: Value| {
        json!({"attempt": number, "generation": number + 1, "version": version, "at": "2026-03-30T17:03:00.001Z",
               "durationMs": 4.2, "outcome": "committed", "effects": effects})
    };
    let again = json!({
        "emittedBefore": [
            {"position": 1043, "type": "com.handoff.lead.received.v1", "generation": 2, "version": "1.1.0", "differs": true,
             "fields": [{"path": "data.phone", "inLog": "WRONG", "emitted": "+1 312 555 0100"}, {"path": "subject", "inLog": "7f3a"}],
             "fieldsLeftOut": 1},
            {"position": 1044, "type": "com.handoff.lead.counted.v1", "differs": false}],
        "requestedBefore": ["crm/7f3a"]
    });
    check(
        json!({
            "event": {"position": 1042, "at": "2026-03-30T17:03:00Z", "id": "a", "source": "/hooks/web-leads",
                      "type": "com.handoff.hook.received.v1", "dataBytes": 1800,
                  "scope": "main-street"},
            "deliveries": [{"installation": "web-leads", "scope": "main-street", "state": "committed", "effects": again, "attempts": [
                attempt(1, "1.1.0", json!({"emitted": [sent]})), attempt(2, "1.0.0", Value::Null)]}]
        }),
        |view, style| show::trace::trace(view, false, style),
        expect![[r#"
            hook received #1042 from /hooks/web-leads, 12:03:00 (2 min ago)
            └─ ✔ web-leads: done in 4.2 ms by version 1.0.0, generation 3
               ├─ 12:03:00 attempt 1 (1.1.0, 4.2 ms): done, and delivered again after a rollback
               │  └─ lead received #1043
               │     └─ no connector here handles it
               ├─ request crm/7f3a was there already
               ├─ lead received was there already as #1043, made by version 1.1.0, generation 2; this delivery made another one, which nobody got
               │  ├─ data.phone: others have WRONG, this one had +1 312 555 0100
               │  ├─ subject: others have 7f3a, this one had (none)
               │  └─ and 1 field more
               └─ lead counted was there already as #1044
        "#]],
    );
}

#[test]
fn a_rollback_says_what_happens_to_everything() {
    check(
        json!({"name": "web-leads", "from": {"generation": 3, "version": "1.1.0"}, "to": {"generation": 2, "version": "1.0.0"},
               "newGeneration": 4, "applied": true, "tookMs": 3, "tookUs": 3210, "deliverableUs": 5120,
               "state": {"does": "restore", "schema": 2, "schemaKnown": 1}, "keysRestored": 40, "timersRestored": 1,
               "eventsRedelivered": 12, "eventsReplayed": 30, "eventsForgotten": 2, "deadLettersRedriven": 1, "requestsHeld": 2,
               "unsent": {"requestsAnswered": 1, "requestsMayHaveBeenSent": 1, "eventsEmitted": 3}, "hostRunning": true}),
        show::rollback::rollback,
        expect![[r#"
            rolled back web-leads: 1.1.0 → 1.0.0 (generation 4 with the content of 2), in 3.2 ms
              40 records and 1 reminder put back to what they were
              12 events in flight are delivered again
              30 events that 1.1.0 handled are delivered again
              2 events are not in the log any more and cannot be delivered again
              1 dead letter is delivered again too
              events that 1.1.0 emitted stay as they are and are not emitted again: handoff show web-leads counts those that 1.0.0 makes otherwise
              2 requests held back: handoff outbox --installation web-leads --state held
              cannot be undone: 1 answered request, 1 request that may have been sent, 3 events given to others
              1.0.0 could be given its first event after 5.1 ms
              1.1.0 is not picked again unless forced
        "#]],
    );
}

#[test]
fn a_dry_run_says_what_would_happen_and_what_cannot_be_undone() {
    check(
        json!({"name": "web-leads", "from": {"generation": 3, "version": "1.1.0"}, "to": {"generation": 2, "version": "1.0.0"},
               "newGeneration": 4, "applied": false, "tookMs": 0,
               "state": {"does": "keep", "schema": 2, "schemaKnown": 1},
               "eventsRedelivered": 0, "eventsReplayed": 1, "deadLettersRedriven": 2, "requestsHeld": 1,
               "unsent": {"requestsAnswered": 50000, "eventsEmitted": 1, "atLeast": true}, "hostRunning": false}),
        show::rollback::rollback,
        expect![[r#"
            would roll back web-leads: 1.1.0 → 1.0.0 (generation 4 with the content of 2)
              its records stay in schema 2, though this version knows schema 1
              1 event that 1.1.0 handled would be delivered again
              2 dead letters would be delivered again too
              events that 1.1.0 emitted stay as they are and are not emitted again
              1 request would be held back
              cannot be undone: at least 50000 answered requests, 1 event given to others
              1.1.0 would not be picked again unless forced
              the host is stopped: it starts with this version
        "#]],
    );
}

#[test]
fn a_rollback_that_goes_on_says_how_far_it_is() {
    let job = json!({"leftFrom": 3, "leftTo": 3, "step": "restore", "holdsDeliveries": false, "keysRestored": 12000,
        "eventsReplayed": 0, "requestsHeld": 0, "deadLettersRedriven": 0});
    check(
        json!({"name": "web-leads", "from": {"generation": 3, "version": "1.0.0"}, "to": {"generation": 2, "version": "1.0.0"},
               "newGeneration": 4, "applied": true, "tookMs": 2, "tookUs": 2000,
               "state": {"does": "restore", "schema": 1, "schemaKnown": 1}, "keysRestored": 12000,
               "eventsRedelivered": 1, "deadLettersRedriven": 0, "unfinished": job, "hostRunning": true}),
        show::rollback::rollback,
        expect![[r#"
            rolled back web-leads: 1.0.0 → 1.0.0 (generation 4 with the content of 2), in 2.0 ms
              12000 records put back to what they were
              1 event in flight is delivered again
              still active: restores state after a rollback (12000 records so far)
        "#]],
    );
    check(
        json!({"installations": [
            {"name": "web-leads", "scope": "main-street", "package": "handoff/adf-leads", "version": "1.0.0", "generation": 4,
             "rollbackJob": job,
             "counts": {"waiting": 12, "inFlight": 0, "deadLetters": 0, "outboxPending": 0, "outboxHeld": 3}}]}),
        show::installation::list,
        expect![[r#"
            name       scope        package            version  gen  waiting  dead  outbox  held  state
            web-leads  main-street  handoff/adf-leads  1.0.0      4       12     0       0     3  restores sta…rds so far)
        "#]],
    );
}

#[test]
fn held_requests_say_what_to_do_with_them() {
    let request = |position: u64, state: &str, more: Value| {
        let mut request = json!({"id": format!("bdc-list/{position}"), "installation": "bdc-list", "scope": "main-street", "generation": 2,
            "key": "list/7f3a", "state": state, "method": "POST", "url": "https://crm.example/leads", "at": "2026-03-30T17:03:00Z",
            "attempts": 1});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    check(
        json!({"requests": [
            request(1044, "held", json!({"mayHaveBeenSent": true, "causedBy": 1042})), request(1045, "held", json!({"mayHaveBeenSent": false})),
            request(1046, "pending", json!({"nextAttemptAt": "2026-03-30T17:03:30Z", "error": "connection refused"})),
            request(1047, "discarded", json!({"discardedBy": "maria"}))], "more": true}),
        show::outbox::list,
        expect![[r#"
            id             event  gen  state      tries  next       last answer         request
            bdc-list/1044  #1042    2  held           1             may have been sent  POST https://crm.example/leads
            bdc-list/1045           2  held           1             not sent            POST https://crm.example/leads
            bdc-list/1046           2  pending        1  1 min ago  connection refused  POST https://crm.example/leads
            bdc-list/1047           2  discarded      1             by maria            POST https://crm.example/leads
            a rollback keeps the held ones back: handoff outbox show ID, then release ID, or discard ID --reason TEXT
            held requests that may have been sent: ask the target before you discard or release them; a release repeats their idempotency key
            there are more: narrow with --installation or --state, or raise --limit
        "#]],
    );
    let mut held =
        request(1044, "held", json!({"mayHaveBeenSent": true, "causedBy": 1042, "endedAt": "2026-03-30T17:04:00Z"}));
    let content = json!({
        "kept": true, "idempotencyKey": "00ff", "auth": "crm", "headers": [{"name": "content-type", "value": "application/json"}],
        "body": "{\"phone\":\"WRONG\\u001b[31m\"}", "bodyBytes": 23, "wantsAnswer": true,
        "cause": {"position": 1042, "id": "b", "source": "/installations/web-leads", "type": "com.handoff.lead.received.v1"}
    });
    held.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    check(
        held,
        show::outbox::one,
        expect![[r#"
            id               bdc-list/1044
            state            held: may have been sent
            generation       2
            written          12:03:00 (2 min ago)
            attempts         1
            since            12:04:00 (1 min ago)
            key              list/7f3a
            idempotency-key  00ff
            came of          lead received #1042, id b of /installations/web-leads: handoff trace 1042
            request          POST https://crm.example/leads
            credentials      crm, added when it is sent
            header           content-type: application/json
            body             23 B

            {
              "phone": "WRONG\u001b[31m"
            }
        "#]],
    );
    let gone =
        request(1045, "answered", json!({"status": 201, "causedBy": 1042, "kept": false, "idempotencyKey": "00ff"}));
    check(
        gone,
        show::outbox::one,
        expect![[r#"
            id               bdc-list/1045
            state            answered: 201
            generation       2
            written          12:03:00 (2 min ago)
            attempts         1
            key              list/7f3a
            idempotency-key  00ff
            came of          event #1042, which is not kept any more
            request          not kept any more
        "#]],
    );
    check(
        json!({"done": 2, "unknown": ["bdc-list/9"]}),
        |view, style| show::outbox::settled(view, "released", style),
        expect![[r#"
            released 2 held requests
            not held (any more): bdc-list/9
        "#]],
    );
}

#[test]
fn an_install_shows_what_is_asked_for_and_what_needs_a_yes() {
    let report = json!({
        "name": "web-leads", "scope": "main-street", "package": "handoff/adf-leads", "title": "Web leads (ADF)",
        "version": "1.1.0", "digest": format!("sha256:{}", "9f".repeat(32)), "kind": "upgrade", "generation": 3,
        "replaces": {"generation": 2, "version": "1.0.0"},
        "asks": [
            {"kind": "accept", "what": "com.handoff.hook.received.v1", "granted": "in-settings", "hadBefore": true},
            {"kind": "http", "what": "POST https://crm.example/leads/* with crm", "why": "Posts call-list entries.", "granted": "by-default"}],
        "state": {"does": "migrate", "from": 1, "to": 2},
        "validation": {"passed": true}, "warnings": ["no schedule is set"], "applied": false, "tookMs": 40
    });
    check(
        report.clone(),
        show::install::report,
        expect![[r#"
        Web leads (ADF) (handoff/adf-leads 1.1.0, 9f9f9f9f9f9f) at main-street
        as web-leads, in place of 1.0.0 (generation 2 → 3)

        It asks for
            handle  com.handoff.hook.received.v1  in the settings
          + reach   POST https://crm.example/leads/* with crm  not in the settings: needs your yes
                    Posts call-list entries.

        ✔ the package accepts its config
        ! its records are rewritten from schema 1 to 2; a rollback puts them back
        ! no schedule is set
    "#]],
    );
    check(
        report,
        show::install::done,
        expect![[r#"
        upgraded web-leads: handoff/adf-leads 1.1.0, generation 3, in 40 ms
          back to 1.0.0: handoff rollback web-leads
    "#]],
    );
}

#[test]
fn the_list_aligns_its_columns() {
    check(
        json!({"installations": [
            {"name": "bdc-list", "scope": "main-street", "package": "handoff/bdc-list", "version": "1.0.0", "generation": 1,
             "counts": {"waiting": 0, "inFlight": 0, "deadLetters": 0, "outboxPending": 12}},
            {"name": "web-leads", "scope": "main-street", "package": "handoff/adf-leads", "version": "1.1.0", "generation": 12,
             "paused": {"at": "2026-03-30T16:00:00Z", "message": "config names no vendor"},
             "counts": {"waiting": 1042, "inFlight": 0, "deadLetters": 3, "outboxPending": 0}}]}),
        show::installation::list,
        expect![[r#"
            name       scope        package            version  gen  waiting  dead  outbox  held  state
            bdc-list   main-street  handoff/bdc-list   1.0.0      1        0     0      12     0  active
            web-leads  main-street  handoff/adf-leads  1.1.0     12     1042     3       0     0  paused: conf…s no vendor
        "#]],
    );
}

#[test]
fn an_installation_shows_versions_and_reach() {
    check(
        json!({"name": "bdc-list", "scope": "main-street", "package": "handoff/bdc-list", "version": "1.0.0", "generation": 3,
            "counts": {"waiting": 0, "inFlight": 1, "deadLetters": 2, "outboxPending": 1, "timers": 4},
            "timeZone": "America/Chicago",
            "grants": {"accepts": ["com.handoff.lead.received.v1"], "emits": [], "http": [
                {"name": "crm", "host": "crm.example", "port": null, "plaintext": false, "privateAddresses": false,
                 "methods": ["POST"], "paths": ["/leads/*"], "lookUps": [], "auth": {"crm": "crm"}}]},
            "generations": [
                {"generation": 3, "version": "1.0.0", "digest": format!("sha256:{}", "ab".repeat(32)), "stateSchema": 1, "active": true,
                 "at": "2026-03-30T16:00:00Z", "by": "maria", "kind": "rollback", "restores": 1, "reason": "phones missing"},
                {"generation": 2, "version": "1.1.0", "digest": format!("sha256:{}", "cd".repeat(32)), "stateSchema": 1, "active": false,
                 "quarantined": true, "at": "2026-03-29T16:00:00Z", "by": "maria", "kind": "upgrade"}],
            "deliveries": {"committed": 120, "failedAttempts": 4, "deadLettered": 2},
            "metrics": [{"name": "leads-listed", "labels": {"source": "web"}, "value": 118.0}]}),
        show::installation::show,
        expect![[r#"
            name     bdc-list
            state    active
            scope    main-street, America/Chicago
            package  handoff/bdc-list 1.0.0, generation 3
            events   0 waiting, 1 in flight, 2 dead letters
            outbox   1 request to be sent
            timers   4
            so far   120 done, 4 failed attempts, 2 failed for good

            May
              handles  com.handoff.lead.received.v1
              makes    nothing
              reaches  POST https://crm.example /leads/* with crm

            Generations
              gen  version              digest        made                 how            by     reason
                3  1.0.0 (active)       abababababab  11:00:00             rollback to 1  maria  phones missing
                2  1.1.0 (quarantined)  cdcdcdcdcdcd  2026-03-29 11:00:00  upgrade        maria

            Metrics
              leads-listed {source=web}: 118
        "#]],
    );
}

#[test]
fn events_and_dead_letters_say_what_to_do_next() {
    check(
        json!({"events": [{"position": 1042, "at": "2026-03-29T17:03:00Z", "id": "a", "source": "/hooks/web-leads",
            "type": "com.handoff.hook.received.v1", "subject": "s", "dataBytes": 10, "scope": "main-street",
            "routes": [{"installation": "web-leads", "state": "dead-letter"}]}], "next": 1042}),
        show::event::list,
        expect![[r#"
            position  time                 what           subject  went to
            1042      2026-03-29 12:03:00  hook received  s        web-leads (failed)
            older ones: handoff events --before 1042
        "#]],
    );
    check(
        json!({"deadLetters": [{"id": "web-leads/1042", "scope": "main-street", "at": "2026-03-30T15:05:00Z", "type": "com.handoff.hook.received.v1",
            "generation": 3, "attempts": 1, "failure": {"kind": "reject", "code": "not-a-lead", "message": "no <adf> in the body"}}]}),
        show::letters::list,
        expect![[r#"
            id              given up  what           tries  code        why
            web-leads/1042  2 h ago   hook received      1  not-a-lead  no <adf> in the body
            one's history: handoff trace POSITION; deliver again: handoff redrive ID
        "#]],
    );
}

#[test]
fn hostile_text_cannot_steer_the_terminal() {
    assert_eq!(clean("a\u{1b}]0;owned\u{7}\nb\u{202e}c"), "a\\u{1b}]0;owned\\u{7} b\\u{202e}c");
    check(
        json!({"at": "2026-03-30T17:03:00Z", "level": "warn", "installation": "web-leads", "position": 7,
               "message": "\u{1b}[2Jgone", "fields": [["k\r", "v\n"]]}),
        show::event::log,
        expect![[r#"12:03:00 warn  web-leads #7 \u{1b}[2Jgone k =v "#]],
    );
}

#[test]
fn sizes_and_spans_are_for_people() {
    assert_eq!(
        [size(0), size(1023), size(1536), size(10 << 20), size(u64::MAX)],
        ["0 B", "1023 B", "1.5 KiB", "10 MiB", "16777215 TiB"]
    );
    assert_eq!(
        [span(999), span(59_999), span(3_600_000), span(u64::MAX)],
        ["999 ms", "59 s", "1 h", "213503982334 days"]
    );
    assert_eq!(cut("äöüß", 3), "äö…");
}
