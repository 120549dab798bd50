//! Requests of senders and their signatures. Signatures are computed independently: the host's own code would always
//! agree with itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use reqwest::header::HeaderMap;
use serde_json::Value;
use sha2::Sha256;

/// A response, read completely.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Fields.
    pub headers: HeaderMap,
    /// Body.
    pub text: String,
}

impl Answer {
    pub(super) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_default();
        Self { status, headers, text }
    }

    /// The body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// # Panics
    /// If the status differs.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The problem details of a refusal.
    ///
    /// # Panics
    /// If the response has another status or is not problem details.
    pub fn problem(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].as_str().is_some_and(|uri| uri.starts_with("urn:handoff:problem:")), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        problem
    }

    /// Position of the single accepted event.
    pub fn position(&self) -> u64 {
        self.json()["positions"][0].as_u64().unwrap_or_else(|| panic!("no position in {}", self.text))
    }
}

/// `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
pub fn body_hmac(secret: &str, body: &[u8]) -> String {
    let digits: String = mac(secret.as_bytes(), &[body]).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// The three fields of Standard Webhooks.
pub fn standard_webhook(secret: &str, id: &str, seconds: u64, body: &[u8]) -> [(&'static str, String); 3] {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("Base64 after whsec_");
    let time = seconds.to_string();
    let signature = mac(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", body]);
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", time),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(signature))),
    ]
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
