//! Removes known secrets from texts and bytes, in all their encodings. It knows only the values that it was given.

mod spellings;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use memchr::memmem;
use parking_lot::RwLock;
use zeroize::Zeroizing;

use super::Secret;

/// The replacement of a secret.
const MARK: &[u8] = b"[redacted]";
/// Shorter secrets would be found everywhere.
const LEAST_BYTES: usize = 4;
/// Values remembered per origin; the oldest is dropped first. The limit is per origin, not for all together: a token
/// endpoint that issues a new token per request must not push out other secrets.
const VALUES_MAX: usize = 8;

/// All encodings of all known secrets. Clones share them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    /// By origin, for example `secret crm-key`. The configuration limits their number.
    origins: HashMap<String, VecDeque<Secret>>,
    /// Longest first over all secrets, so that a short secret does not leave the rest of a longer one behind.
    spellings: Vec<Spelling>,
}

struct Spelling {
    secret: Secret,
    bytes: Zeroizing<Vec<u8>>,
}

impl Redactor {
    /// Remembers a value of an origin: the name of a secret, or a profile whose tokens change.
    pub fn learn(&self, origin: &str, secret: &Secret) {
        if secret.expose().len() < LEAST_BYTES {
            return;
        }
        if self.0.read().origins.get(origin).is_some_and(|values| values.back() == Some(secret)) {
            return;
        }
        let mut known = self.0.write();
        let values = known.origins.entry(origin.to_owned()).or_default();
        if let Some(at) = values.iter().position(|value| value == secret) {
            // Used again: move it to the end.
            values.remove(at);
            values.push_back(secret.clone());
            return;
        }
        values.push_back(secret.clone());
        let oldest = if values.len() > VALUES_MAX { values.pop_front() } else { None };
        if let Some(oldest) = oldest {
            known.forget(&oldest);
        }
        known.add(secret);
    }

    /// Bytes without secrets. Copies only if there are some.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(bytes);
        for spelling in &self.0.read().spellings {
            if let Some(replaced) = replace(&clean, &spelling.bytes) {
                clean = Cow::Owned(replaced);
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

impl Known {
    fn add(&mut self, secret: &Secret) {
        if self.spellings.iter().any(|known| known.secret == *secret) {
            return;
        }
        let new = spellings::of(secret.expose()).into_iter();
        self.spellings.extend(new.map(|bytes| Spelling { secret: secret.clone(), bytes }));
        self.spellings.sort_by(|a, b| b.bytes.len().cmp(&a.bytes.len()).then_with(|| a.bytes.cmp(&b.bytes)));
    }

    /// Forgets a value unless another origin has the same.
    fn forget(&mut self, secret: &Secret) {
        if !self.origins.values().any(|values| values.contains(secret)) {
            self.spellings.retain(|known| known.secret != *secret);
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.0.read().origins.values().map(VecDeque::len).sum();
        write!(f, "Redactor({count} secrets)")
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
