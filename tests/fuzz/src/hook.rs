//! Webhooks: without the secret nothing is verified, with it everything well-formed is, and a changed bit is detected.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use handoff_ingress::hook::{HookError, receive};
use handoff_ingress::verify::{Reason, Verifier};
use handoff_model::event::{Event, host_types};
use handoff_model::time::Timestamp;
use handoff_policy::ingress::{HookVerify, JwtAlgorithm, JwtKeys, SignatureEncoding};
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;

use crate::{memory, message, text};

const NOW: Timestamp = Timestamp(1_774_882_800_000);
const KEY: &[u8] = b"a key of at least sixteen bytes";
const BODY_BYTES_MAX: usize = 2048;

/// Header lines, an empty line, a body. `x-flip: N` names the bit of the body to flip after signing.
pub fn check(data: &[u8]) {
    let (headers, body) = message::split(data);
    for hook in hooks() {
        let secret = secret(&hook);
        let verifier = Verifier::new(hook);
        let take = |headers: &HeaderMap, body: &[u8]| -> Result<Event, HookError> {
            let installation = "leads".parse().expect("a name");
            let secrets: &[&[u8]] = &[&secret];
            memory::within((1 << 18) + 64 * data.len(), || {
                receive(&installation, &verifier, secrets, headers, body, BODY_BYTES_MAX, NOW)
            })
        };
        let unsigned = take(&headers, body);
        judge(&unsigned, &headers, body);
        let Some(signed) = sign(verifier.hook(), &headers, body) else { continue };
        assert!(unsigned.is_err(), "verified without the secret: {unsigned:?}");
        let event = take(&signed, body);
        judge(&event, &signed, body);
        if let Err(HookError::Verify(error)) = &event {
            // Everything is valid except perhaps the sender's id, or a body that begins like a time.
            let allowed =
                [Reason::HeaderMalformed, Reason::HeaderMissing, Reason::HeaderRepeated, Reason::AmbiguousBody];
            assert!(allowed.contains(&error.reason), "{error:?}");
        }
        let mut changed = body.to_vec();
        let bit = headers.get("x-flip").and_then(|value| value.to_str().ok()?.parse::<usize>().ok()).unwrap_or(0);
        let count = changed.len() * 8;
        let has_body_signature = !matches!(verifier.hook(), HookVerify::Jwt { .. });
        if let Some(at) = bit.checked_rem(count).filter(|_| has_body_signature && event.is_ok()) {
            changed[at / 8] ^= 1 << (at % 8);
            let refused = match take(&signed, &changed) {
                Err(HookError::Verify(error)) => error.reason,
                other => panic!("bit {at}: {other:?}"),
            };
            assert!(matches!(refused, Reason::WrongSignature | Reason::AmbiguousBody), "bit {at}: {refused:?}");
        }
    }
}

fn judge(taken: &Result<Event, HookError>, headers: &HeaderMap, body: &[u8]) {
    match taken {
        Ok(event) => {
            event.check().expect("what is accepted keeps the rules");
            assert_eq!((event.source.as_str(), event.type_name.as_str()), ("/hooks/leads", host_types::HOOK_RECEIVED));
            assert_eq!(event.data, body);
            assert!(body.len() <= BODY_BYTES_MAX && event.extensions.is_empty());
            let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).map(str::trim);
            assert_eq!(event.data_content_type.as_deref(), content_type.filter(|text| !text.is_empty()));
        }
        Err(error) => text::check(&error.to_string(), 512),
    }
}

fn hooks() -> [HookVerify; 6] {
    let secrets = vec!["one".to_owned()];
    let body = |encoding, prefix: &str, id_header: Option<&str>| HookVerify::BodyHmac {
        secrets: secrets.clone(),
        header: "x-signature".to_owned(),
        encoding,
        prefix: prefix.to_owned(),
        id_header: id_header.map(str::to_owned),
    };
    [
        HookVerify::None { id_header: None },
        HookVerify::None { id_header: Some("x-id".to_owned()) },
        HookVerify::StandardWebhooks { secrets: secrets.clone(), tolerance_seconds: 300 },
        body(SignatureEncoding::Hex, "sha256=", None),
        body(SignatureEncoding::Base64, "", Some("x-id")),
        HookVerify::Jwt {
            keys: JwtKeys::Secrets { secrets: secrets.clone() },
            algorithms: vec![JwtAlgorithm::HS256],
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            leeway_seconds: 60,
            id_header: None,
        },
    ]
}

/// The secret as an operator would store it.
fn secret(hook: &HookVerify) -> Vec<u8> {
    match hook {
        HookVerify::StandardWebhooks { .. } => format!("whsec_{}\n", STANDARD.encode(KEY)).into_bytes(),
        _ => KEY.to_vec(),
    }
}

/// The headers with a valid signature; none if this kind has no signature.
fn sign(hook: &HookVerify, headers: &HeaderMap, body: &[u8]) -> Option<HeaderMap> {
    let mut signed = headers.clone();
    let mut put = |name: &'static str, value: String| {
        signed.insert(name, HeaderValue::from_str(&value).expect("printable"));
    };
    match hook {
        HookVerify::None { .. } => return None,
        HookVerify::StandardWebhooks { .. } => {
            let given = headers.get("webhook-id").and_then(|value| value.to_str().ok());
            let id = given.map(str::trim).unwrap_or("msg_1");
            let time = (NOW.0 / 1000).to_string();
            let signature = STANDARD.encode(mac(&[id.as_bytes(), b".", time.as_bytes(), b".", body]));
            put("webhook-id", id.to_owned());
            put("webhook-timestamp", time);
            put("webhook-signature", format!("v1,AAAA v1,{signature}"));
        }
        HookVerify::BodyHmac { encoding: SignatureEncoding::Hex, prefix, .. } => {
            let hex: String = mac(&[body]).iter().map(|byte| format!("{byte:02x}")).collect();
            put("x-signature", format!("{prefix}{hex}"));
        }
        HookVerify::BodyHmac { prefix, .. } => {
            put("x-signature", format!("{prefix}{}", STANDARD.encode(mac(&[body]))));
        }
        HookVerify::Jwt { .. } => {
            let claims = format!(r#"{{"iss":"i","aud":"a","exp":{}}}"#, NOW.0 / 1000 + 60);
            let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
            let signature = URL_SAFE_NO_PAD.encode(mac(&[text.as_bytes()]));
            put("authorization", format!("Bearer {text}.{signature}"));
        }
    }
    Some(signed)
}

fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
