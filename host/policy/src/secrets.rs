//! Secrets: how long a copy is cached, and how secrets are kept out of logs and errors. It knows nothing of HTTP, of a
//! secret's use, or of where it is stored: the owner of [`Secrets`] provides a reader for each.

mod form;
mod redactor;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use handoff_model::time::{Clock, Timestamp};

pub use form::check_form;
pub use redactor::Redactor;

/// Largest secret. A private key in PEM has less than 8 KiB.
pub const MAX_SECRET_BYTES: usize = 64 << 10;

/// The bytes of a secret: overwritten when the last copy is dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes ownership of the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The bytes, for the code that uses them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Why a secret is unavailable. It says where it was looked for, never what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No `[secrets.NAME]`.
    #[error("secret `{0}` is not configured: add `[secrets.{0}]` with `file`, `env` or `command` to handoff.toml")]
    Unknown(String),
    /// The name cannot be written in the configuration.
    #[error("secret name `{0}`: expected 1 to 63 letters, digits, `-` and `_`")]
    Name(String),
    /// The source did not provide a usable secret.
    #[error("secret `{name}` from {source_text}: {problem}")]
    Source {
        /// The secret.
        name: String,
        /// Kind and location of the source.
        source_text: String,
        /// The problem and what was expected.
        problem: String,
    },
}

impl SecretError {
    /// What is wrong, without the name of the secret: it begins with where the secret is stored.
    #[must_use]
    pub fn problem(&self) -> String {
        match self {
            Self::Source { source_text, problem, .. } => format!("{source_text} {problem}"),
            Self::Unknown(_) | Self::Name(_) => self.to_string(),
        }
    }
}

/// Reads a secret from where it is stored. `Display` names the location and never the secret.
pub trait SecretReader: fmt::Display + Send + Sync {
    /// Checks the configured location; reads nothing.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// How long a copy may be cached, in milliseconds.
    fn keep_ms(&self) -> u64;

    /// How long a copy is cached even if a target refuses it, in milliseconds.
    fn least_ms(&self) -> u64 {
        0
    }

    /// Reads the secret. An error says what happened and what was expected, never what was found.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, String>>;
}

/// All configured secrets, read when they are used. Cheap to clone: clones share cache and redactor.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    entries: BTreeMap<String, Entry>,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
}

struct Entry {
    reader: Arc<dyn SecretReader>,
    // Held for a cache look-up, never across an await.
    cached: Mutex<Option<(Timestamp, Secret)>>,
    // One reader at a time, so that a command does not start a hundred times at once.
    reading: tokio::sync::Mutex<()>,
    // Why the last reading failed.
    failing: Mutex<Option<SecretError>>,
}

impl Secrets {
    /// Creates the secrets by name. Reads none of them yet.
    pub fn new(readers: BTreeMap<String, Arc<dyn SecretReader>>, clock: Arc<dyn Clock>) -> Result<Self, SecretError> {
        let mut entries = BTreeMap::new();
        for (name, reader) in readers {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if !(1..=63).contains(&name.len()) || !name.bytes().all(legal) {
                return Err(SecretError::Name(name.chars().take(80).collect()));
            }
            reader.check().map_err(|problem| fault(&name, &*reader, problem))?;
            let entry = Entry {
                reader,
                cached: Mutex::new(None),
                reading: tokio::sync::Mutex::new(()),
                failing: Mutex::new(None),
            };
            entries.insert(name, entry);
        }
        Ok(Self(Arc::new(Inner { entries, redactor: Redactor::default(), clock })))
    }

    /// Whether a secret of this name is configured.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.entries.contains_key(name)
    }

    /// The secret, read now or a few seconds ago, so that a rotation is soon noticed. The redactor learns it.
    pub async fn read(&self, name: &str) -> Result<Secret, SecretError> {
        let entry = self.entry(name)?;
        if let Some(secret) = self.fresh(entry) {
            return Ok(secret);
        }
        let _one_reader = entry.reading.lock().await;
        if let Some(secret) = self.fresh(entry) {
            return Ok(secret);
        }
        let read = entry.reader.read(name).await.map_err(|problem| fault(name, &*entry.reader, problem));
        *entry.failing.lock() = read.as_ref().err().cloned();
        let secret = read?;
        self.0.redactor.learn(&format!("secret {name}"), &secret);
        *entry.cached.lock() = Some((self.0.clock.now(), secret.clone()));
        Ok(secret)
    }

    /// Secrets whose last reading failed, by name.
    #[must_use]
    pub fn failing(&self) -> Vec<(String, SecretError)> {
        let failing = |(name, entry): (&String, &Entry)| Some((name.clone(), entry.failing.lock().clone()?));
        self.0.entries.iter().filter_map(failing).collect()
    }

    /// Drops the cached copy: the target refused it, so it may have been rotated. A command's output stays cached for a
    /// few seconds: a target that refuses everything must not start a program for every request.
    pub fn forget(&self, name: &str) {
        let Some(entry) = self.0.entries.get(name) else { return };
        let now = self.0.clock.now();
        let mut cached = entry.cached.lock();
        if cached.as_ref().is_some_and(|(at, _)| now.since_ms(*at) >= entry.reader.least_ms()) {
            *cached = None;
        }
    }

    /// Redacts every secret that was ever read here.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    fn entry(&self, name: &str) -> Result<&Entry, SecretError> {
        self.0.entries.get(name).ok_or_else(|| SecretError::Unknown(name.chars().take(80).collect()))
    }

    fn fresh(&self, entry: &Entry) -> Option<Secret> {
        let now = self.0.clock.now();
        let cached = entry.cached.lock();
        let (at, secret) = cached.as_ref()?;
        // If the clock was set back, the copy is old, not fresh.
        (now >= *at && now.since_ms(*at) < entry.reader.keep_ms()).then(|| secret.clone())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.entries.keys()).finish()
    }
}

fn fault(name: &str, reader: &dyn SecretReader, problem: String) -> SecretError {
    SecretError::Source { name: name.to_owned(), source_text: reader.to_string(), problem }
}

#[cfg(test)]
mod tests;
