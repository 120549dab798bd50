//! The installation's key-value store as a connector sees it: bytes, JSON, and scans page by page.

use crate::connector::parse_json;
use crate::host::Host;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Keys per page. Small, because a page is read as a whole and most scans stop early.
const PAGE: u32 = 200;

/// Why a key could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Keys are 1 to 256 bytes.
    #[error("invalid key: {0}")]
    InvalidKey(String),
    /// Values are at most 64 KiB.
    #[error("value too large: {0}")]
    ValueTooLarge(String),
    /// At most 1,000 keys and 1 MiB written, 10,000 keys and 16 MiB read in a delivery.
    #[error("too much state in one delivery: {0}")]
    LimitExceeded(String),
    /// The stored value is not JSON of the requested type, or the value to store has no JSON form.
    #[error("{0}")]
    NotJson(String),
}

/// The installation's own key-value store, a transaction: reads see this delivery's writes, and writes commit with it.
/// If another delivery wrote what this one read, the host runs this one again.
#[derive(Clone, Copy)]
pub struct State<'a> {
    host: &'a dyn Host,
}

impl<'a> State<'a> {
    pub(crate) fn new(host: &'a dyn Host) -> Self {
        Self { host }
    }

    /// The JSON value of a key, or none.
    ///
    /// # Errors
    /// [`StateError::NotJson`] names key and field if the stored value has another type; migrate the state then.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        self.get_bytes(key)?.map(|bytes| parse_value(key, &bytes)).transpose()
    }

    /// Sets a key to a JSON value.
    ///
    /// # Errors
    /// The key or the value exceeds a limit, or the value has no JSON form.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), StateError> {
        let bytes =
            serde_json::to_vec(value).map_err(|error| StateError::NotJson(format!("value for `{key}`: {error}")))?;
        self.set_bytes(key, &bytes)
    }

    /// The bytes of a key, or none.
    ///
    /// # Errors
    /// The key exceeds a limit, or the delivery has read too much.
    pub fn get_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.host.get(key)
    }

    /// Sets a key to bytes.
    ///
    /// # Errors
    /// The key or the value exceeds a limit, or the delivery has written too much.
    pub fn set_bytes(&self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.host.set(key, value)
    }

    /// Deletes a key. Deleting an absent key is not an error.
    ///
    /// # Errors
    /// The key exceeds a limit, or the delivery has written too much.
    pub fn delete(&self, key: &str) -> Result<(), StateError> {
        self.host.delete(key)
    }

    /// Keys that start with `prefix` and their bytes, ascending. Pages are read during iteration.
    #[must_use]
    pub fn scan(&self, prefix: &str) -> Scan<'a> {
        Scan { host: self.host, prefix: prefix.to_owned(), page: Vec::new().into_iter(), after: None, more: true }
    }

    /// Like [`scan`](Self::scan), with JSON values.
    #[must_use]
    pub fn scan_json<T: DeserializeOwned>(&self, prefix: &str) -> ScanJson<'a, T> {
        ScanJson { scan: self.scan(prefix), value: PhantomData }
    }
}

fn parse_value<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StateError> {
    parse_json(bytes).map_err(|problem| StateError::NotJson(format!("state under `{key}`{problem}")))
}

/// Iterates keys and bytes; see [`State::scan`]. Ends after the first error.
pub struct Scan<'a> {
    host: &'a dyn Host,
    prefix: String,
    page: std::vec::IntoIter<(String, Vec<u8>)>,
    after: Option<String>,
    more: bool,
}

impl Iterator for Scan<'_> {
    type Item = Result<(String, Vec<u8>), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.page.next() {
            return Some(Ok(entry));
        }
        if !self.more {
            return None;
        }
        match self.host.scan(&self.prefix, self.after.as_deref(), PAGE) {
            Ok(page) => {
                self.more = page.more && !page.entries.is_empty();
                self.after = page.entries.last().map(|(key, _)| key.clone());
                self.page = page.entries.into_iter();
                self.page.next().map(Ok)
            }
            Err(error) => {
                self.more = false;
                Some(Err(error))
            }
        }
    }
}

/// Iterates keys and JSON values; see [`State::scan_json`].
pub struct ScanJson<'a, T> {
    scan: Scan<'a>,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Iterator for ScanJson<'_, T> {
    type Item = Result<(String, T), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.scan.next()?;
        Some(entry.and_then(|(key, bytes)| parse_value(&key, &bytes).map(|value| (key, value))))
    }
}
