//! Known vectors, forgeries, rotation, clocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use expect_test::expect;
use hmac::{Hmac, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use sha2::Sha256;

use super::*;
use crate::hook::{HookError, receive};
use handoff_policy::ingress::{JwtAlgorithm, JwtKeys, SignatureEncoding};

const NOW: Timestamp = Timestamp(1_614_265_330_000);
/// The vector of the Standard Webhooks project's reference libraries.
const SECRET: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const VECTOR: [(&str, &str); 3] = [
    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ("webhook-timestamp", "1614265330"),
    ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(http::HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"));
    }
    map
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("secret-{n}")).collect()
}

fn standard(secrets: &[&[u8]], pairs: &[(&str, &str)], body: &[u8], now: Timestamp) -> Result<Verified, VerifyError> {
    let hook = HookVerify::StandardWebhooks { secrets: names(secrets.len()), tolerance_seconds: 300 };
    Verifier::new(hook).verify(secrets, &headers(pairs), body, now)
}

/// The word for why a webhook was refused, or `verified`.
fn reason<T>(verified: Result<T, VerifyError>) -> &'static str {
    verified.map_or_else(|error| error.reason.word(), |_| "verified")
}

fn mac(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn the_published_vector_of_standard_webhooks_verifies() {
    let verified = standard(&[SECRET], &VECTOR, BODY, NOW).expect("verified");
    assert_eq!(verified.event_id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(verified.signed_at, Some(NOW));
    let other = b"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n".as_slice();
    assert!(standard(&[other, SECRET], &VECTOR, BODY, NOW).is_ok(), "an old secret is valid during a rotation");
    assert_eq!(reason(standard(&[other], &VECTOR, BODY, NOW)), "wrong-signature");
    let unusable = b"whsec_!".as_slice();
    assert!(standard(&[unusable, SECRET, b""], &VECTOR, BODY, NOW).is_ok(), "a bad secret spoils no other");
}

#[test]
fn forged_standard_webhooks_are_refused() {
    let change = |name: &str, value: &'static str| VECTOR.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
    assert_eq!(reason(standard(&[SECRET], &VECTOR, b"{}", NOW)), "wrong-signature");
    for (name, value, code) in [
        ("webhook-id", "msg_other", "wrong-signature"),
        ("webhook-timestamp", "1614265331", "wrong-signature"),
        ("webhook-timestamp", "+1614265330", "header-malformed"),
        ("webhook-timestamp", "1614265330.0", "header-malformed"),
        ("webhook-timestamp", "99999999999999999999999", "header-malformed"),
        ("webhook-signature", "v1,", "wrong-signature"),
        ("webhook-signature", "v1,g0hM9SsE", "wrong-signature"),
        ("webhook-signature", "v1,g0hM9S*E", "bad-base64"),
        ("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "wrong-prefix"),
        ("webhook-signature", "", "wrong-prefix"),
    ] {
        assert_eq!(reason(standard(&[SECRET], &change(name, value), BODY, NOW)), code, "{name}: {value}");
    }
    let list = change("webhook-signature", "v1a,x v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert!(standard(&[SECRET], &list, BODY, NOW).is_ok(), "one of a list is enough");
    for missing in 0..3 {
        let rest: Vec<_> = VECTOR.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, pair)| *pair).collect();
        assert_eq!(reason(standard(&[SECRET], &rest, BODY, NOW)), "header-missing");
    }
    let twice = [VECTOR.as_slice(), &[("webhook-id", "x")]].concat();
    assert_eq!(reason(standard(&[SECRET], &twice, BODY, NOW)), "header-repeated");
}

#[test]
fn the_time_tolerance_is_five_minutes_either_way() {
    for (shift, good) in [(300_000, true), (300_001, false), (-300_000, true), (-300_001, false)] {
        let now = Timestamp(NOW.0.checked_add_signed(shift).expect("a time"));
        assert_eq!(standard(&[SECRET], &VECTOR, BODY, now).is_ok(), good, "{shift}");
    }
}

#[test]
fn unusable_secrets_make_verification_impossible() {
    for secret in [b"".as_slice(), b"whsec_", b"not base64!", b"whsec_c2hvcnQ="] {
        assert_eq!(reason(standard(&[secret], &VECTOR, BODY, NOW)), "unable");
    }
    let hook = HookVerify::StandardWebhooks { secrets: names(1), tolerance_seconds: 300 };
    assert_eq!(reason(Verifier::new(hook).verify(&[], &headers(&VECTOR), BODY, NOW)), "unable", "no secret");
}

#[test]
fn body_hmac_accepts_the_common_encodings() {
    let signature = mac(b"s3cret", BODY);
    let hex = hex::encode(&signature);
    let base64 = STANDARD.encode(&signature);
    let (hub, socket) = (format!("sha256={hex}"), format!("publicKey:{base64}"));
    for (encoding, prefix, value) in [
        (SignatureEncoding::Hex, "", hex.to_uppercase()),
        (SignatureEncoding::Hex, "sha256=", hub.clone()),
        (SignatureEncoding::Base64, "publicKey:", socket),
    ] {
        let hook = HookVerify::BodyHmac {
            secrets: names(2),
            header: "authentication".to_owned(),
            encoding,
            prefix: prefix.to_owned(),
            id_header: None,
        };
        let verifier = Verifier::new(hook);
        let verify = |value: &str, body: &[u8]| {
            verifier.verify(&[b"other", b"s3cret"], &headers(&[("authentication", value)]), body, NOW)
        };
        let verified = verify(&value, BODY).expect("verified");
        assert_eq!(verified.event_id, digest::sha256(BODY), "the same body again is the same event");
        assert_eq!(reason(verify(&value, b"{}")), "wrong-signature");
        assert!(
            verify(&format!("{prefix}{}", &value[prefix.len() + 2..]), BODY).is_err(),
            "a truncated signature must be refused"
        );
        for bad in ["zz", "sha1=00", "publicKey:é", "publicKey:%"] {
            assert_ne!(reason(verify(bad, BODY)), "unable", "{bad}");
        }
        assert!(verify(prefix, BODY).is_err(), "an empty signature must be refused");
    }
}

fn jwt_hook(keys: JwtKeys, algorithms: &[JwtAlgorithm]) -> Verifier {
    Verifier::new(HookVerify::Jwt {
        keys,
        algorithms: algorithms.to_vec(),
        issuer: "https://id.example.com".to_owned(),
        audience: "handoff".to_owned(),
        leeway_seconds: 60,
        id_header: Some("x-request-id".to_owned()),
    })
}

fn token(alg: Algorithm, key: &EncodingKey, change: serde_json::Value) -> String {
    let mut claims = json!({ "iss": "https://id.example.com", "aud": ["handoff", "x"], "exp": NOW.0 / 1000 + 100 });
    for (name, value) in change.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    encode(&Header::new(alg), &claims, key).expect("a token")
}

fn bearer(verifier: &Verifier, token: &str) -> Result<Verified, VerifyError> {
    let value = format!("Bearer {token}");
    verifier.verify(&[b"shared"], &headers(&[("authorization", &value), ("x-request-id", "r-1")]), BODY, NOW)
}

#[test]
fn every_claim_of_a_token_is_checked() {
    let verifier = jwt_hook(JwtKeys::Secrets { secrets: names(1) }, &[JwtAlgorithm::HS256]);
    let key = EncodingKey::from_secret(b"shared");
    assert_eq!(
        bearer(&verifier, &token(Algorithm::HS256, &key, json!({}))).expect("verified").event_id,
        format!("r-1/{}", digest::sha256(BODY))
    );
    let seconds = NOW.0 / 1000;
    for (change, code) in [
        (json!({ "iss": "https://evil.example.com" }), "wrong-issuer"),
        (json!({ "iss": null }), "wrong-issuer"),
        (json!({ "iss": ["https://id.example.com"] }), "wrong-issuer"),
        (json!({ "aud": "other" }), "wrong-audience"),
        (json!({ "aud": null }), "wrong-audience"),
        (json!({ "exp": seconds - 61 }), "expired"),
        (json!({ "exp": null }), "bad-claim"),
        (json!({ "exp": "never" }), "bad-claim"),
        (json!({ "nbf": seconds + 61 }), "not-yet-valid"),
        (json!({ "nbf": "never" }), "bad-claim"),
        (json!({ "iat": seconds + 61 }), "not-yet-valid"),
    ] {
        assert_eq!(reason(bearer(&verifier, &token(Algorithm::HS256, &key, change.clone()))), code, "{change}");
    }
    for change in [json!({ "exp": seconds - 59 }), json!({ "nbf": seconds + 59 }), json!({ "exp": 1.6e9 + 1e8 + 0.5 })]
    {
        assert!(bearer(&verifier, &token(Algorithm::HS256, &key, change.clone())).is_ok(), "{change}");
    }
    assert_eq!(reason(bearer(&verifier, &token(Algorithm::HS512, &key, json!({})))), "wrong-algorithm");
    let wrong = EncodingKey::from_secret(b"guess");
    let forged = token(Algorithm::HS256, &wrong, json!({ "aud": "other" }));
    assert_eq!(reason(bearer(&verifier, &forged)), "wrong-signature", "claims of a forger say nothing");
}

#[test]
fn tokens_without_signature_or_form_are_malformed() {
    let verifier = jwt_hook(JwtKeys::Secrets { secrets: names(1) }, &[JwtAlgorithm::HS256]);
    let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIn0.";
    for bad in [none, "", "a.b", "a.b.c", "....", &"x".repeat(20_000)] {
        assert_eq!(reason(bearer(&verifier, bad)), "bad-token", "{bad}");
    }
    let basic = headers(&[("authorization", "Basic dXNlcg==")]);
    assert_eq!(reason(verifier.verify(&[b"shared"], &basic, BODY, NOW)), "bad-token");
}

/// Ed25519 key of RFC 8037, appendix A.
const JWKS: &str = r#"{"keys":[
    {"kty":"dilithium","kid":"new"},
    {"kty":"oct","k":"c2hhcmVk","kid":"leak"},
    {"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn ed25519() -> EncodingKey {
    // PKCS #8 (RFC 8410 section 7) around the seed of RFC 8037 appendix A.1.
    let seed = STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("Base64");
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend(seed);
    EncodingKey::from_ed_der(&der)
}

#[test]
fn key_sets_verify_and_a_public_key_is_not_a_shared_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, JWKS).expect("written");
    let verifier = jwt_hook(JwtKeys::JwksFile { path: path.clone() }, &[JwtAlgorithm::EdDSA]);
    assert!(bearer(&verifier, &token(Algorithm::EdDSA, &ed25519(), json!({}))).is_ok());
    // The classic confusion: HS256 with the public key's bytes as secret.
    let mixed = jwt_hook(JwtKeys::JwksFile { path: path.clone() }, &[JwtAlgorithm::EdDSA, JwtAlgorithm::HS256]);
    for secret in [JWKS.as_bytes(), b"shared", b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"] {
        let forged = token(Algorithm::HS256, &EncodingKey::from_secret(secret), json!({}));
        assert_eq!(reason(bearer(&mixed, &forged)), "unknown-key");
    }
    std::fs::write(&path, "{\"keys\":[]} ").expect("written");
    let after = bearer(&verifier, &token(Algorithm::EdDSA, &ed25519(), json!({})));
    assert_eq!(reason(after), "unable", "the file changed");
}

#[test]
fn a_webhook_becomes_an_event_of_its_installation() {
    let verifier = Verifier::new(HookVerify::StandardWebhooks { secrets: names(1), tolerance_seconds: 300 });
    let pairs = [VECTOR.as_slice(), &[("content-type", "application/json")]].concat();
    let installation = "leads".parse().expect("a name");
    let take = |most| receive(&installation, &verifier, &[SECRET], &headers(&pairs), BODY, most, NOW);
    let event = take(100).expect("an event");
    assert_eq!((event.source.as_str(), event.id.as_str()), ("/hooks/leads", "msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!((event.data.as_slice(), event.time), (BODY, Some(NOW)));
    assert_eq!(take(5), Err(HookError::TooLarge { bytes: BODY.len(), most: 5 }));
}

#[test]
fn a_replayed_body_under_another_id_takes_no_later_event_away() {
    let verify = HookVerify::BodyHmac {
        secrets: names(1),
        header: "x-signature".to_owned(),
        encoding: SignatureEncoding::Hex,
        prefix: String::new(),
        id_header: Some("x-delivery".to_owned()),
    };
    let verifier = Verifier::new(verify);
    let id = |delivery: &str, body: &[u8]| {
        let signature = hex::encode(mac(b"secret", body));
        let pairs = [("x-signature", signature.as_str()), ("x-delivery", delivery)];
        verifier.verify(&[b"secret"], &headers(&pairs), body, NOW).expect("verified").event_id
    };
    assert_eq!(id("7", b"first"), id("7", b"first"), "a redelivery is the same event");
    assert_ne!(id("8", b"first"), id("8", b"second"), "a replay under the next id is another event");
    assert_ne!(id("7", b"first"), id("8", b"first"));
}

#[test]
fn a_signature_holds_for_one_split_of_id_and_time_alone() {
    let signed = |id: &str, sent: &str, body: &str| {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signature = format!("v1,{}", STANDARD.encode(mac(&key, format!("{id}.{sent}.{body}").as_bytes())));
        [("webhook-id", id.to_owned()), ("webhook-timestamp", sent.to_owned()), ("webhook-signature", signature)]
    };
    let verify = |pairs: [(&'static str, String); 3], body: &str| {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        standard(&[SECRET], &pairs, body.as_bytes(), NOW)
    };
    let genuine = signed("msg.1614265330", "1614265331", "<adf/>");
    assert!(verify(genuine.clone(), "<adf/>").is_ok(), "an id may have a dot");
    let mut moved = genuine;
    (moved[0].1, moved[1].1) = ("msg".to_owned(), "1614265330".to_owned());
    assert_eq!(reason(verify(moved, "1614265331.<adf/>")), "ambiguous-body");
}

#[test]
fn tokens_with_other_header_parameters_are_refused() {
    let hook = HookVerify::Jwt {
        keys: JwtKeys::Secrets { secrets: names(1) },
        algorithms: vec![JwtAlgorithm::HS256],
        issuer: "https://id.example.com".to_owned(),
        audience: "handoff".to_owned(),
        leeway_seconds: 60,
        id_header: None,
    };
    let verifier = Verifier::new(hook);
    let token = |header: serde_json::Value| {
        let encode =
            |json: serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
        let claims = json!({ "iss": "https://id.example.com", "aud": "handoff", "exp": NOW.0 / 1_000 + 60 });
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = mac(b"secret", signed.as_bytes());
        format!("Bearer {signed}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature))
    };
    let verify =
        |header| verifier.verify(&[b"secret"], &headers(&[("authorization", &token(header))]), BODY, NOW).map(drop);
    assert_eq!(verify(json!({ "alg": "HS256", "typ": "at+jwt", "kid": "k", "cty": "x" })), Ok(()));
    for extra in [
        json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 }),
        json!({ "alg": "HS256", "crit": [] }),
        json!({ "alg": "HS256", "b64": true }),
        json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "c2VjcmV0" } }),
        json!({ "alg": "HS256", "jku": "https://evil.example" }),
    ] {
        let refused = verify(extra.clone());
        assert_eq!(reason(refused), "token-parameter", "{extra}");
    }
}

#[test]
fn the_operator_reads_what_was_found_and_what_was_expected() {
    let hmac = |encoding, prefix: &str| {
        Verifier::new(HookVerify::BodyHmac {
            secrets: names(1),
            header: "x-signature".to_owned(),
            encoding,
            prefix: prefix.to_owned(),
            id_header: None,
        })
    };
    let (hex, base64) = (hmac(SignatureEncoding::Hex, "sha256="), hmac(SignatureEncoding::Base64, ""));
    let signed = |verifier: &Verifier, value: &str| {
        verifier.verify(&[b"s3cret"], &headers(&[("x-signature", value)]), BODY, NOW).map(drop)
    };
    let jwt = jwt_hook(JwtKeys::Secrets { secrets: names(1) }, &[JwtAlgorithm::HS256]);
    let claim = |change| bearer(&jwt, &token(Algorithm::HS256, &EncodingKey::from_secret(b"shared"), change)).map(drop);
    let later = Timestamp(NOW.0 + 3_600_000);
    let seen = [
        signed(&hex, "sha1=00"),
        signed(&hex, "sha256=zz"),
        signed(&base64, "%%"),
        signed(&base64, "AAAA"),
        claim(json!({ "aud": ["north", "south"] })),
        claim(json!({ "exp": 1 })),
        standard(&[SECRET], &VECTOR, BODY, later).map(drop),
        standard(&[SECRET], &VECTOR, BODY, Timestamp(0)).map(drop),
    ];
    let seen: Vec<String> = seen
        .into_iter()
        .map(|verified| verified.expect_err("refused"))
        .map(|error| format!("{}: {error}", error.reason.word()))
        .collect();
    expect![[r#"
        wrong-prefix: `x-signature` does not begin with `sha256=`
        bad-hex: what `x-signature` has after the prefix is not hexadecimal
        bad-base64: what `x-signature` has after the prefix is not Base64 with padding
        header-malformed: the signature in `x-signature` has 3 bytes; an HMAC-SHA256 has 32
        wrong-audience: the token's audience is ["north","south"]; expected "handoff"
        expired: the token expired 1614265329 s ago; 60 s are allowed
        too-old: the signed time is 3600 s behind this host's clock; at most 300 s are allowed: check both clocks, or the sender repeats an old request
        in-the-future: the signed time is 1614265330 s ahead of this host's clock; at most 300 s are allowed: check both clocks, or the sender repeats an old request"#]].assert_eq(&seen.join("\n"));
}

#[test]
fn secrets_and_key_files_are_checked_as_they_are_used() {
    let standard = HookVerify::StandardWebhooks { secrets: names(1), tolerance_seconds: 300 };
    let hmac = HookVerify::BodyHmac {
        secrets: names(1),
        header: "x-signature".to_owned(),
        encoding: SignatureEncoding::Hex,
        prefix: String::new(),
        id_header: None,
    };
    for (hook, secret, sign) in [
        (&standard, SECRET, ""),
        (&standard, b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS".as_slice(), "Base64 with padding"),
        (&standard, b"whsec_c2hvcnQ=", "fewer than 16 bytes"),
        (&hmac, b"not base64!", ""),
        (&hmac, b"\xef\xbb\xbfs3cret", "byte order mark"),
        (&hmac, b"s3cret\r", "line end"),
    ] {
        let said = check_secret(hook, secret).err().unwrap_or_default();
        assert!(said.contains(sign) && said.is_empty() == sign.is_empty(), "{sign}: {said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jwks.json");
    let check = |algorithms: &[JwtAlgorithm]| {
        let verifier = jwt_hook(JwtKeys::JwksFile { path: path.clone() }, algorithms);
        check_keys(verifier.hook()).err().unwrap_or_default()
    };
    assert!(check(&[JwtAlgorithm::EdDSA]).contains("No such file"));
    std::fs::write(&path, "{").expect("written");
    assert!(check(&[JwtAlgorithm::EdDSA]).contains("is not JSON"));
    std::fs::write(&path, JWKS).expect("written");
    assert_eq!(check(&[JwtAlgorithm::EdDSA]), "");
    assert!(check(&[JwtAlgorithm::EdDSA, JwtAlgorithm::RS256]).ends_with(": has no key for RS256"));
}
