//! Removes known secrets from texts and bytes, in the spellings in which they travel. Knows only what it was taught.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use memchr::memmem;
use parking_lot::RwLock;
use zeroize::Zeroizing;

use super::Secret;

/// What stands where a secret was.
const MARK: &[u8] = b"[redacted]";
/// Shorter secrets would be found everywhere.
const LEAST_BYTES: usize = 4;
/// Values remembered; the oldest goes first. Tokens are renewed, so old ones are worthless by then.
const MOST_VALUES: usize = 512;

/// All spellings of all secrets that were learned. Clones share them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<VecDeque<Known>>>);

struct Known {
    secret: Secret,
    spellings: Vec<Zeroizing<Vec<u8>>>,
}

impl Redactor {
    /// Remembers a secret.
    pub fn learn(&self, secret: &Secret) {
        if secret.expose().len() < LEAST_BYTES {
            return;
        }
        if self.0.read().iter().any(|known| known.secret == *secret) {
            return;
        }
        let mut known = self.0.write();
        if known.len() >= MOST_VALUES {
            known.pop_front();
        }
        known.push_back(Known { secret: secret.clone(), spellings: spellings(secret.expose()) });
    }

    /// Bytes without secrets. Does not copy when there is none in them.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(bytes);
        for known in self.0.read().iter() {
            for spelling in &known.spellings {
                if let Some(replaced) = replace(&clean, spelling) {
                    clean = Cow::Owned(replaced);
                }
            }
        }
        clean
    }

    /// A text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.read().len())
    }
}

fn replace(bytes: &[u8], needle: &[u8]) -> Option<Vec<u8>> {
    let finder = memmem::Finder::new(needle);
    let mut at = finder.find(bytes)?;
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (before, from) = rest.split_at(at);
        clean.extend_from_slice(before);
        clean.extend_from_slice(MARK);
        rest = from.get(needle.len()..).unwrap_or_default();
        match finder.find(rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    clean.extend_from_slice(rest);
    Some(clean)
}

/// The secret as it is, in base64 and hexadecimal, in URLs and forms, in JSON and XML. Longest first, so that no
/// spelling leaves the tail of a longer one behind.
fn spellings(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = vec![secret.to_vec()];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        all.push(engine.encode(secret).into_bytes());
    }
    let hex = |upper: bool| {
        secret.iter().fold(String::with_capacity(secret.len() * 2), |mut text, byte| {
            let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
            text
        })
    };
    all.extend([hex(false).into_bytes(), hex(true).into_bytes()]);
    let form: String = url::form_urlencoded::byte_serialize(secret).collect();
    let percent = form.replace('+', "%20");
    all.extend([percent.to_lowercase().into_bytes(), percent.replace("%7E", "~").into_bytes()]);
    all.extend([form.into_bytes(), percent.into_bytes()]);
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::Value::from(text).to_string();
        let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&json);
        all.extend([inner.as_bytes().to_vec(), inner.replace('/', "\\/").into_bytes()]);
        let xml = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        all.push(xml.replace('"', "&quot;").replace('\'', "&apos;").into_bytes());
        all.push(xml.into_bytes());
    }
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all.into_iter().map(Zeroizing::new).collect()
}
