//! Tables of valid and hostile requests; properties that nothing panics.

use super::*;
use proptest::prelude::*;

const LIMITS: CloudEventLimits = CloudEventLimits { event_bytes: 100, batch_events: 3 };

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            http::HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    map
}

fn structured(body: &str) -> Result<Event, IngressError> {
    let headers = headers(&[("content-type", "application/cloudevents+json; charset=UTF-8")]);
    parse(&headers, body.as_bytes(), LIMITS).map(|mut events| events.remove(0))
}

fn with(members: &str) -> Result<Event, IngressError> {
    structured(&format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{members}}}"#))
}

fn binary(more: &[(&str, &str)], body: &[u8]) -> Result<Event, IngressError> {
    let mut pairs = vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
    pairs.extend(more);
    parse(&headers(&pairs), body, LIMITS).map(|mut events| events.remove(0))
}

#[test]
fn json_data_keeps_every_digit() {
    let event =
        with(r#","data": {"amount": 10000000000000000.10, "n": 123456789012345678901234567890}"#).expect("an event");
    assert_eq!(event.data, br#"{"amount": 10000000000000000.10, "n": 123456789012345678901234567890}"#);
    assert_eq!(event.data_content_type.as_deref(), Some("application/json"));
}

#[test]
fn data_is_decoded_by_its_media_type() {
    let text = with(r#","datacontenttype":"application/xml","data":"<a>\u00e4</a>""#).expect("an event");
    assert_eq!(text.data, "<a>ä</a>".as_bytes());
    let quoted = with(r#","datacontenttype":"application/vnd.x+json","data":"x""#).expect("an event");
    assert_eq!(quoted.data, br#""x""#);
    let bytes = with(r#","datacontenttype":"image/png","data_base64":"AAEC""#).expect("an event");
    assert_eq!(bytes.data, [0, 1, 2]);
    assert_eq!(with("").expect("an event").data, b"");
    assert_eq!(with(r#","subject":null"#).expect("an event").subject, None);
}

#[test]
fn null_is_data_unless_the_media_type_or_other_data_says_otherwise() {
    let null = with(r#","data":null"#).expect("an event");
    assert_eq!((null.data.as_slice(), null.data_content_type.as_deref()), (&b"null"[..], Some("application/json")));
    let text = with(r#","datacontenttype":"text/plain","data":null"#).expect("an event");
    assert_eq!(text.data, b"");
    let bytes = with(r#","data":null,"data_base64":"AAEC""#).expect("an event");
    assert_eq!(bytes.data, [0, 1, 2]);
    assert_eq!(with(r#","data":null,"data_base64":null"#).expect("an event").data, b"null");
}

#[test]
fn extension_names_of_up_to_64_characters_are_taken() {
    let name = "a".repeat(64);
    let event = with(&format!(r#","{name}":"x""#)).expect("an event");
    assert_eq!(event.extensions.get(&name).map(String::as_str), Some("x"));
    let longer = "a".repeat(65);
    assert_eq!(with(&format!(r#","{longer}":"x""#)).expect_err("too long").code(), "invalid-event");
}

#[test]
fn extensions_become_canonical_strings() {
    let event =
        with(r#","partitionkey":"k","flag":true,"count":-7,"time":"2026-03-30T15:30:20-08:00""#).expect("an event");
    let extensions: Vec<_> = event.extensions.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(extensions, ["count=-7", "flag=true", "partitionkey=k"]);
    assert_eq!(event.time.expect("a time").to_string(), "2026-03-30T23:30:20.000Z");
}

#[test]
fn hostile_json_is_refused_by_field() {
    let cases = [
        (r#","specversion":"1.0""#, "body"),
        (r#","time":"yesterday""#, "time"),
        (r#","time":"1969-12-31T23:59:59Z""#, "time"),
        (r#","time":5"#, "time"),
        (r#","handoffhops":1"#, "handoffhops"),
        (r#","Upper":"x""#, "Upper"),
        (r#","with-hyphen":"x""#, "with-hyphen"),
        (r#","ratio":0.5"#, "ratio"),
        (r#","big":4294967296"#, "big"),
        (r#","deep":{"a":1}"#, "deep"),
        (r#","subject":"a\u0000b""#, "subject"),
        (r#","subject":"""#, "subject"),
        (r#","data":1,"data_base64":"AA==""#, "data_base64"),
        (r#","data_base64":"A""#, "data_base64"),
        (r#","data_base64":7"#, "data_base64"),
    ];
    for (members, field) in cases {
        assert_eq!(with(members).expect_err(members).field(), Some(field), "{members}");
    }
    for (body, field) in [
        (r#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#, "specversion"),
        (r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#, "id"),
        (r#"{"specversion":"1.0","id":"1","type":"t"}"#, "source"),
        (r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.handoff.hook.received.v1"}"#, "type"),
        (r#"{"specversion":"1.0","id":"1","source":"/hooks/leads","type":"t"}"#, "source"),
        (r#"{"specversion":"1.0","id":"1","source":"/outbox/bdc-list","type":"t"}"#, "source"),
        (r#"{"specversion":"1.0","id":"1","source":"/rooftops/a/installations/b","type":"t"}"#, "source"),
        ("[]", "body"),
        ("{", "body"),
        ("", "body"),
    ] {
        assert_eq!(structured(body).expect_err(body).field(), Some(field), "{body}");
    }
    let deep = format!(",\"data\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(with(&deep).is_err());
    assert_eq!(with(&format!(r#","data":"{}""#, "x".repeat(200))).expect_err("too large").code(), "too-large");
}

#[test]
fn a_batch_names_the_event_at_fault_and_is_bounded() {
    let headers = headers(&[("content-type", "application/cloudevents-batch+json")]);
    let good = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    let batch = |events: &[&str]| parse(&headers, format!("[{}]", events.join(",")).as_bytes(), LIMITS);
    assert_eq!(batch(&[good, good]).expect("events").len(), 2);
    assert_eq!(batch(&[]).expect("no events"), []);
    let error = batch(&[good, r#"{"specversion":"1.0","id":"1","source":"/s"}"#]).expect_err("no type");
    assert_eq!(
        error.to_string(),
        "event 1: `type`: is missing; every event has `specversion`, `id`, `source` and `type`"
    );
    assert_eq!(batch(&[good, "7"]).expect_err("a number").index(), Some(1));
    assert_eq!(batch(&[good; 4]).expect_err("too many").code(), "too-large");
}

#[test]
fn binary_headers_are_percent_decoded_once() {
    let event = binary(
        &[("ce-subject", "Euro %E2%82%AC %2541"), ("ce-partitionkey", "\"a \\\"b\\\"\""), ("content-type", "text/xml")],
        b"<a/>",
    )
    .expect("an event");
    assert_eq!(event.subject.as_deref(), Some("Euro € %41"));
    assert_eq!(event.partition_key(), Some("a \"b\""));
    assert_eq!((event.data.as_slice(), event.data_content_type.as_deref()), (b"<a/>".as_slice(), Some("text/xml")));
}

#[test]
fn hostile_headers_are_refused_by_field() {
    for (name, value, field) in [
        ("ce-subject", "100%", "subject"),
        ("ce-subject", "%zz", "subject"),
        ("ce-subject", "%ff", "subject"),
        ("ce-subject", "%00", "subject"),
        ("ce-subject", "\"a\"b\"", "subject"),
        ("ce-id", "2", "id"),
        ("ce-time", "now", "time"),
        ("ce-handoffhops", "1", "handoffhops"),
        ("ce-datacontenttype", "text/plain", "datacontenttype"),
        ("ce-data", "x", "data"),
        ("ce-a_b", "x", "a_b"),
    ] {
        assert_eq!(binary(&[(name, value)], b"").expect_err(value).field(), Some(field), "{name}: {value}");
    }
    let missing = parse(&headers(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", "t")]), b"", LIMITS);
    assert_eq!(missing.expect_err("no source").field(), Some("source"));
}

#[test]
fn other_content_is_unsupported() {
    for pairs in [
        vec![],
        vec![("content-type", "application/json")],
        vec![("content-type", "application/cloudevents+avro"), ("ce-specversion", "1.0")],
        vec![("content-type", "application/cloudevents")],
    ] {
        assert_eq!(parse(&headers(&pairs), b"{}", LIMITS).expect_err("unsupported").code(), "unsupported-media-type");
    }
    let latin = headers(&[("content-type", "application/cloudevents+json; charset=iso-8859-1")]);
    assert_eq!(parse(&latin, b"{}", LIMITS).expect_err("charset").field(), Some("content-type"));
}

#[test]
fn an_error_does_not_repeat_the_body() {
    let long = format!("\"{}\"", "\\u001b[2J é".repeat(5_000));
    let error = structured(&long).expect_err("no object").to_string();
    assert!(error.len() < 1_000 && !error.contains(char::is_control), "{error}");
    assert!(error.contains("at line 1 column") && error.ends_with("; expected a JSON object"), "{error}");
}

proptest! {
    #[test]
    fn no_body_causes_a_panic(body in prop::collection::vec(any::<u8>(), 0..300), batch in any::<bool>()) {
        let media_type = if batch { "application/cloudevents-batch+json" } else { "application/cloudevents+json" };
        let _ = parse(&headers(&[("content-type", media_type)]), &body, LIMITS);
    }

    #[test]
    fn no_members_cause_a_panic(name in "[a-z_]{0,12}|data|data_base64|time", value in "\"[^\"]{0,20}\"|-?[0-9]{0,20}|\\[*|true") {
        if let Ok(event) = with(&format!(",{name:?}:{value}")) {
            prop_assert!(event.check().is_ok());
        }
    }

    #[test]
    fn no_header_causes_a_panic(value in "[ -~]{0,40}") {
        if let Ok(event) = binary(&[("ce-subject", &value)], b"") {
            prop_assert!(event.check().is_ok());
        }
    }
}
