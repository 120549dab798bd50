//! Redaction.

use std::borrow::Cow;

use super::*;

#[test]
fn a_short_secret_does_not_reveal_the_rest_of_a_longer_one() {
    let redactor = Redactor::default();
    redactor.learn("secret short", &Secret::new(b"hunter22".to_vec()));
    redactor.learn("secret long", &Secret::new(b"hunter22-and-more".to_vec()));
    assert_eq!(redactor.text("a hunter22-and-more b hunter22 c"), "a [redacted] b [redacted] c");
}

#[test]
fn new_tokens_of_one_origin_do_not_evict_other_secrets() {
    let redactor = Redactor::default();
    redactor.learn("secret crm-key", &Secret::new(b"the-crm-key".to_vec()));
    redactor.learn("secret shared", &Secret::new(b"token-number-0".to_vec()));
    for number in 0..2_000 {
        redactor.learn("token evil", &Secret::new(format!("token-number-{number}").into_bytes()));
    }
    assert_eq!(redactor.text("the-crm-key token-number-0 token-number-1999"), "[redacted] [redacted] [redacted]");
    assert_eq!(redactor.text("token-number-7"), "token-number-7", "only the newest values of an origin are kept");
    assert_eq!(format!("{redactor:?}"), "Redactor(10 secrets)");
}

#[test]
fn a_binary_secret_is_removed_from_text() {
    let redactor = Redactor::default();
    let latin = b"p\xe4ssword-in-latin-1".to_vec();
    redactor.learn("secret latin", &Secret::new(latin.clone()));
    assert_eq!(redactor.text(&String::from_utf8_lossy(&latin)), "[redacted]");
}

#[test]
fn every_encoding_of_a_secret_is_removed() {
    let redactor = Redactor::default();
    redactor.learn("secret a", &Secret::new(b"p&ss/w\"rd <\xc3\xa9>?".to_vec()));
    redactor.learn("secret b", &Secret::new(b"abc".to_vec()));
    for text in [
        "p&ss/w\"rd <é>?",
        "cCZzcy93InJkIDzDqT4/",
        "cCZzcy93InJkIDzDqT4_",
        "p%26ss%2Fw%22rd+%3C%C3%A9%3E%3F",
        "p%26ss%2Fw%22rd%20%3C%C3%A9%3E%3F",
        "p%26ss%2fw%22rd%20%3c%c3%a9%3e%3f",
        "p&ss/w\\\"rd <é>?",
        "p&amp;ss/w&quot;rd &lt;é&gt;?",
        "70267373",
    ] {
        let clean = redactor.text(&format!("before {text} after {text}")).into_owned();
        if text == "70267373" {
            assert!(clean.contains(text), "a part is not a secret: {clean}");
        } else {
            assert_eq!(clean, "before [redacted] after [redacted]", "{text}");
        }
    }
    assert!(matches!(redactor.bytes(b"nothing, abc"), Cow::Borrowed(_)));
    assert_eq!(format!("{:?} {:?}", redactor, Secret::new(b"abcd".to_vec())), "Redactor(1 secrets) Secret([redacted])");
}
