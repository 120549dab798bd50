//! Signs a webhook as its sender would, for a person who tries a hook. It sends nothing and reads no secret store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use sha2::Sha256;

use super::{Reason, VerifyError, jwt, standard};
use handoff_model::time::Timestamp;
use handoff_policy::ingress::{HookVerify, JwtKeys, SignatureEncoding};

/// How long a token is valid, in seconds.
const TOKEN_SECONDS: u64 = 60;

/// The headers with which a sender proves itself. `secret` is one that the hook names; `id` is the sender's id of the
/// webhook, which not every kind has.
///
/// # Errors
/// The hook is verified with a public key, so that only the sender can sign, or the secret cannot be used as a key.
pub fn sign(
    hook: &HookVerify,
    secret: Option<&[u8]>,
    id: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<HeaderMap, VerifyError> {
    let unable = |detail: &str| VerifyError::new(Reason::Unable, detail);
    let secret = || secret.ok_or_else(|| unable("no secret of this webhook can be read"));
    let mut headers = HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
            return Err(unable("a header of this webhook cannot be written"));
        };
        headers.insert(name, value);
        Ok(())
    };
    match hook {
        HookVerify::None { .. } => {}
        HookVerify::StandardWebhooks { .. } => {
            let key = standard::key(secret()?).map_err(unable)?;
            let sent = (now.0 / 1_000).to_string();
            let signature = standard::sign(&key, id, &sent, body)?;
            set("webhook-id", id)?;
            set("webhook-timestamp", &sent)?;
            set("webhook-signature", &format!("v1,{}", STANDARD.encode(signature)))?;
        }
        HookVerify::BodyHmac { header, encoding, prefix, .. } => {
            let key = Hmac::<Sha256>::new_from_slice(secret()?);
            let mut mac = key.map_err(|_| unable("the secret cannot be used as a key"))?;
            mac.update(body);
            let signature = mac.finalize().into_bytes();
            let text = match encoding {
                SignatureEncoding::Hex => hex::encode(signature),
                SignatureEncoding::Base64 => STANDARD.encode(signature),
            };
            set(header, &format!("{prefix}{text}"))?;
        }
        HookVerify::Jwt { keys: JwtKeys::Secrets { .. }, algorithms, issuer, audience, .. } => {
            let algorithm = algorithms.first().ok_or_else(|| unable("the hook allows no algorithm"))?;
            let seconds = now.0 / 1_000;
            let claims = json!({ "iss": issuer, "aud": audience, "iat": seconds, "exp": seconds + TOKEN_SECONDS });
            let header = Header::new(jwt::algorithm(*algorithm));
            let token = encode(&header, &claims, &EncodingKey::from_secret(secret()?));
            set("authorization", &format!("Bearer {}", token.map_err(|_| unable("the secret signs no token"))?))?;
        }
        HookVerify::Jwt { .. } => {
            return Err(unable("this hook is verified with a public key: only its sender has the key that signs"));
        }
    }
    if let Some(name) = hook.id_header() {
        set(name, id)?;
    }
    Ok(headers)
}
