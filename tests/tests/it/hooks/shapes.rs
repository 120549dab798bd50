//! What senders of webhooks really send, as tables: each case with the answer, and with the reason that the operator
//! reads. Every case has a body of its own, so that none is a duplicate of another.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use handoff_tests::harness::{
    CRM_HOOK_SECRET, LEADS_SECRET, TestHost, body_hmac, component, standard_webhook, web_leads,
};
use handoff_tests::leads::Lead;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{now, with_hook};

const TAKEN: &str = "taken";

/// Compares statuses with what was expected, and reasons with what the operator sees, newest first.
async fn compare(host: &TestHost, hook: &str, cases: &[(&str, &str)], statuses: &[u16]) {
    let expected = cases.iter().map(|(case, reason)| (*case, if *reason == TAKEN { 202 } else { 401 }));
    let found = cases.iter().map(|(case, _)| *case).zip(statuses.iter().copied());
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{hook}");
    let seen = host.cli_json(&["hooks", hook]).await;
    let mut reasons: Vec<&str> =
        seen["refusals"].as_array().into_iter().flatten().filter_map(|one| one["reason"].as_str()).collect();
    reasons.reverse();
    let refused = cases.iter().filter(|(_, reason)| *reason != TAKEN);
    let (names, expected): (Vec<&str>, Vec<&str>) = refused.copied().unzip();
    let pairs = |reasons: Vec<&str>| -> Vec<String> {
        names.iter().zip(reasons).map(|(case, reason)| format!("{case}: {reason}")).collect()
    };
    assert_eq!(pairs(reasons), pairs(expected), "{hook}");
}

#[tokio::test]
async fn standard_webhooks_are_read_in_every_usual_shape() {
    let host = TestHost::new().start().await;
    let hook = "verify = \"standard-webhooks\"\nsecret = \"crm-hook\"\ntolerance-seconds = 300";
    host.install("leads", &component("adf-leads"), &with_hook(host.folder(), hook)).await.ok();
    let cases = [
        ("good", TAKEN),
        ("two signatures, the second fits", TAKEN),
        ("an asymmetric signature before it", TAKEN),
        ("a tab between two signatures", TAKEN),
        ("names of the fields in upper case", TAKEN),
        ("almost too old", TAKEN),
        ("an id with a dot", TAKEN),
        ("a comma between two signatures", "bad-base64"),
        ("hexadecimal", "wrong-signature"),
        ("without padding", "bad-base64"),
        ("eleven signatures", "wrong-prefix"),
        ("another body", "wrong-signature"),
        ("another key", "wrong-signature"),
        ("the secret's text as the key", "wrong-signature"),
        ("too old", "too-old"),
        ("in the future", "in-the-future"),
        ("milliseconds", "in-the-future"),
        ("a sign before the time", "header-malformed"),
        ("fields of another sender's prefix", "header-missing"),
    ];
    let mut statuses = Vec::new();
    for (number, (case, _)) in (900..).zip(cases) {
        let mut body = Lead::new(number).adf();
        let id = format!("msg_{number}{}", if case == "an id with a dot" { ".1" } else { "" });
        let time = match case {
            "almost too old" => now() - 290,
            "too old" => now() - 310,
            "in the future" => now() + 310,
            "milliseconds" => now() * 1_000,
            _ => now(),
        };
        let as_text = format!("whsec_{}", STANDARD.encode(CRM_HOOK_SECRET));
        let secret = match case {
            "another key" => "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "the secret's text as the key" => &as_text,
            _ => CRM_HOOK_SECRET,
        };
        let [(id_name, id), (time_name, time), (signature_name, good)] =
            standard_webhook(secret, &id, time, body.as_bytes());
        let other = format!("v1,{}", STANDARD.encode([7; 32]));
        let raw = STANDARD.decode(good.trim_start_matches("v1,")).expect("Base64");
        let signature = match case {
            "two signatures, the second fits" => format!("{other} {good}"),
            "an asymmetric signature before it" => format!("v1a,{} {good}", STANDARD.encode([7; 64])),
            "a tab between two signatures" => format!("{other}\t{good}"),
            "a comma between two signatures" => format!("{other},{good}"),
            "hexadecimal" => format!("v1,{}", hex(&raw)),
            "without padding" => good.trim_end_matches('=').to_owned(),
            "eleven signatures" => format!("{} {good}", [other.as_str(); 10].join(" ")),
            _ => good,
        };
        let time = if case == "a sign before the time" { format!("+{time}") } else { time };
        if case == "another body" {
            body.push(' ');
        }
        let name = |name: &str| match case {
            "names of the fields in upper case" => name.to_uppercase(),
            "fields of another sender's prefix" => name.replace("webhook", "svix"),
            _ => name.to_owned(),
        };
        let names = [id_name, time_name, signature_name].map(name);
        let headers = [(names[0].as_str(), id.as_str()), (&names[1], &time), (&names[2], &signature)];
        statuses.push(host.post("/hooks/leads", &headers, body).await.status);
    }
    compare(&host, "leads", &cases, &statuses).await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hook must never be installed that can only answer 401.
#[tokio::test]
async fn a_secret_works_as_it_is_written_or_is_refused_before_the_install() {
    let mut host = TestHost::new().start().await;
    let key = CRM_HOOK_SECRET.trim_start_matches("whsec_");
    let written = [
        ("newline", format!("{CRM_HOOK_SECRET}\n"), true),
        ("no-prefix", key.to_owned(), true),
        ("unpadded", CRM_HOOK_SECRET.trim_end_matches('=').to_owned(), true),
        ("byte-order-mark", format!("\u{feff}{CRM_HOOK_SECRET}\r\n"), false),
        ("with-version", format!("v1,{CRM_HOOK_SECRET}"), false),
        ("not-base64", "whsec_this is no Base64 at all!".to_owned(), false),
        ("short", format!("whsec_{}", STANDARD.encode([7; 8])), false),
    ];
    let configuration = host.folder().join("handoff.toml");
    let mut text = fs::read_to_string(&configuration).expect("handoff.toml");
    for (name, secret, _) in &written {
        let path = host.folder().join("secrets").join(name);
        fs::write(&path, secret).expect("a secret");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
        text.push_str(&format!("[secrets.{name}]\nfile = \"secrets/{name}\"\n"));
    }
    host.stop().await;
    fs::write(&configuration, text).expect("written");
    host.start_again().await;
    for (number, (name, secret, works)) in (900..).zip(&written) {
        let hook = format!("verify = \"standard-webhooks\"\nsecret = \"{name}\"\ntolerance-seconds = 300");
        let installed = host.install(name, &component("adf-leads"), &with_hook(host.folder(), &hook)).await;
        if !works {
            let refused = installed.exits(6);
            refused.says(&[name]);
            let shown = format!("{refused}");
            assert!(!shown.contains(&secret[8..16]), "{name}: no part of the secret may be shown");
            continue;
        }
        installed.ok();
        let body = Lead::new(number).adf();
        let signed = standard_webhook(CRM_HOOK_SECRET, &format!("msg_{number}"), now(), body.as_bytes());
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let status = host.post(&format!("/hooks/{name}"), &headers, body).await.status;
        assert_eq!(status, 202, "{name}");
    }
}

#[tokio::test]
async fn a_signature_over_the_body_is_read_in_every_usual_shape() {
    let host = TestHost::new().start().await;
    let hook = "verify = \"body-hmac\"\nsecret = \"leads-hook\"\nheader = \"x-hub-signature-256\"\nencoding = \"hex\"\nprefix = \"sha256=\"";
    host.install("leads", &component("adf-leads"), &with_hook(host.folder(), hook)).await.ok();
    let cases = [
        ("good", TAKEN),
        ("upper-case digits", TAKEN),
        ("a form, over its bytes", TAKEN),
        ("an upper-case prefix", "wrong-prefix"),
        ("no prefix", "wrong-prefix"),
        ("another algorithm", "wrong-prefix"),
        ("nothing", "wrong-prefix"),
        ("half of it", "header-malformed"),
        ("an odd number of digits", "bad-hex"),
        ("no digits", "bad-hex"),
        ("no field", "header-missing"),
        ("two fields, a bad and a good one", "header-repeated"),
    ];
    let mut statuses = Vec::new();
    for (number, (case, _)) in (900..).zip(cases) {
        let adf = Lead::new(number).adf();
        let is_form = case == "a form, over its bytes";
        let body = if is_form { format!("adf={}", percent_encoded(&adf)) } else { adf };
        let good = body_hmac(LEADS_SECRET, body.as_bytes());
        let digits = good.trim_start_matches("sha256=");
        let signature = match case {
            "upper-case digits" => format!("sha256={}", digits.to_uppercase()),
            "an upper-case prefix" => format!("SHA256={digits}"),
            "no prefix" => digits.to_owned(),
            "another algorithm" => format!("sha1={digits}"),
            "nothing" => String::new(),
            "half of it" => format!("sha256={}", &digits[..32]),
            "an odd number of digits" => format!("sha256={}", &digits[..63]),
            "no digits" => format!("sha256=zz{}", &digits[2..]),
            _ => good.clone(),
        };
        let kind = if is_form { "application/x-www-form-urlencoded" } else { "application/xml" };
        let zeros = format!("sha256={}", "0".repeat(64));
        let mut headers = vec![("content-type", kind)];
        match case {
            "no field" => {}
            "two fields, a bad and a good one" => {
                headers.extend([("x-hub-signature-256", zeros.as_str()), ("x-hub-signature-256", &signature)]);
            }
            _ => headers.push(("x-hub-signature-256", &signature)),
        }
        statuses.push(host.post("/hooks/leads", &headers, body).await.status);
    }
    compare(&host, "leads", &cases, &statuses).await;
    let (_, lead) =
        host.wait_event("com.handoff.lead.received.v1", |lead| lead.to_string().contains(&Lead::new(902).mark())).await;
    assert!(lead.to_string().contains('+'), "an encoded plus stays one: {lead:#}");
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn keys() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hooks/keys")
}

/// A token with any header: libraries refuse to make most of these.
fn token(header: &Value, claims: &Value, key: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let read = |name: &str| fs::read(keys().join(name)).expect("a key");
    let signature = match header["alg"].as_str() {
        Some("none") => String::new(),
        Some("HS256") => {
            let public = EncodingKey::from_secret(&read("two.public.pem"));
            jsonwebtoken::crypto::sign(signed.as_bytes(), &public, Algorithm::HS256).expect("a signature")
        }
        _ => {
            let key = EncodingKey::from_rsa_pem(&read(key)).expect("a private key");
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::RS256).expect("a signature")
        }
    };
    format!("{signed}.{signature}")
}

fn claims_of(case: &str) -> Value {
    let mut claims =
        json!({ "iss": "https://id.vendor.example", "aud": "main-street", "exp": now() + 300, "sub": case });
    match case {
        "a list of audiences" => claims["aud"] = json!(["other", "main-street"]),
        "another audience" => claims["aud"] = json!(["main-street-2"]),
        "no audience" => claims["aud"] = Value::Null,
        "an issuer with a slash" => claims["iss"] = "https://id.vendor.example/".into(),
        "no expiry" => claims["exp"] = Value::Null,
        "expired" => claims["exp"] = (now() - 3_600).into(),
        "an expiry with a fraction" => claims["exp"] = json!(now() as f64 + 300.5),
        "an expiry as text" => claims["exp"] = (now() + 300).to_string().into(),
        "not valid yet" => claims["nbf"] = (now() + 3_600).into(),
        _ => {}
    }
    let given: serde_json::Map<_, _> = claims
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    given.into()
}

#[tokio::test]
async fn tokens_of_identity_servers_are_read_in_every_usual_shape() {
    let host = TestHost::new().start().await;
    let hook = |file: &str| {
        let file = keys().join(file);
        format!(
            "verify = \"jwt\"\njwks-file = \"{}\"\nissuer = \"https://id.vendor.example\"\naudience = \"main-street\"\nalgorithms = [\"RS256\"]",
            file.display()
        )
    };
    for (name, file) in
        [("leads", "with-ids.json"), ("no-ids", "without-ids.json"), ("strangers", "with-strangers.json")]
    {
        host.install(name, &component("adf-leads"), &with_hook(host.folder(), &hook(file))).await.ok();
    }
    let refused =
        host.install("none", &component("adf-leads"), &with_hook(host.folder(), &hook("unusable.json"))).await;
    refused.exits(6).says(&["unusable.json", "no RSA, EC or Ed25519 key"]);
    let cases = [
        ("good", TAKEN),
        ("no key id", TAKEN),
        ("a list of audiences", TAKEN),
        ("an expiry with a fraction", TAKEN),
        ("another type of token", TAKEN),
        ("an unknown key id", "unknown-key"),
        ("another audience", "wrong-audience"),
        ("no audience", "wrong-audience"),
        ("an issuer with a slash", "wrong-issuer"),
        ("no expiry", "bad-claim"),
        ("expired", "expired"),
        ("an expiry as text", "bad-claim"),
        ("not valid yet", "not-yet-valid"),
        ("a critical parameter", "token-parameter"),
        ("no algorithm", "bad-token"),
        ("the public key as a secret", "wrong-algorithm"),
        ("a key in the token", "token-parameter"),
        ("another key", "wrong-signature"),
    ];
    let post = async |hook: &str, case: &str, number: u64| {
        let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": "two" });
        let mut key = "two.pem";
        match case {
            "no key id" => header = json!({ "alg": "RS256", "typ": "JWT" }),
            "another type of token" => header["typ"] = "at+jwt".into(),
            "an unknown key id" => header["kid"] = "nine".into(),
            "a critical parameter" => (header["crit"], header["b64"]) = (json!(["b64"]), false.into()),
            "no algorithm" => header["alg"] = "none".into(),
            "the public key as a secret" => header["alg"] = "HS256".into(),
            "a key in the token" => {
                let set = fs::read_to_string(keys().join("with-strangers.json")).expect("a key set");
                let set: Value = serde_json::from_str(&set).expect("JSON");
                header = json!({ "alg": "RS256", "typ": "JWT", "jwk": set["keys"][2] });
                key = "other.pem";
            }
            "another key" => key = "other.pem",
            _ => {}
        }
        let bearer = format!("Bearer {}", token(&header, &claims_of(case), key));
        host.post(&format!("/hooks/{hook}"), &[("authorization", &bearer)], Lead::new(number).adf()).await.status
    };
    let mut statuses = Vec::new();
    for (number, (case, _)) in (900..).zip(cases) {
        statuses.push(post("leads", case, number).await);
    }
    compare(&host, "leads", &cases, &statuses).await;
    for (hook, case) in [("no-ids", "good"), ("no-ids", "no key id"), ("strangers", "good"), ("strangers", "no key id")]
    {
        assert_eq!(post(hook, case, 990).await, 202, "{hook}: {case}");
    }
}

/// A sender that compresses learns at once that it must not, for every encoding and before anything is stored.
#[tokio::test]
async fn compressed_webhooks_are_answered_with_415() {
    let host = TestHost::new().start().await;
    host.install("leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();
    for (number, encoding) in
        (900..).zip(["gzip", "x-gzip", "GZIP", "br", "deflate", "zstd", "gzip, identity", "identity"])
    {
        let body = Lead::new(number).adf();
        let signature = body_hmac(LEADS_SECRET, body.as_bytes());
        let headers = [("x-signature", signature.as_str()), ("content-encoding", encoding)];
        let answer = host.post("/hooks/leads", &headers, body).await;
        if encoding == "identity" {
            answer.expect(202);
        } else {
            assert_eq!(
                answer.headers.get("accept-encoding").map(|value| value.as_bytes()),
                Some(&b"identity"[..]),
                "{encoding}"
            );
            answer.problem(415);
        }
    }
    assert_eq!(host.cli_json(&["hooks", "leads"]).await["accepted"], 1);
}
