//! What the administrator decides about namespaces, at the server's host: by command on the data folder, also while a
//! server runs. Each decision is recorded in `audit.jsonl` first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{KEYS_MAX, NamespaceRequest, Namespaces, hex, replace};
use crate::audit::{self, REASON_CHARS_MAX};
use crate::disk;
use crate::publish::now_ms;
use crate::storage::{Storage, StorageError};
use handoff_package::trust::{PublicKey, Publisher};

/// A namespace and its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The name.
    pub publisher: String,
    /// Ids of the keys that may sign. Empty: the name is reserved, and nobody publishes under it.
    pub keys: Vec<String>,
}

/// All requests and bindings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespacesView {
    /// Requests that wait, oldest first.
    pub requests: Vec<NamespaceRequest>,
    /// Bound namespaces, by name.
    pub bound: Vec<Binding>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceReport {
    /// `bound`, `unbound` or `declined`.
    pub action: &'static str,
    /// The name.
    pub publisher: String,
    /// The id of the key.
    pub key_id: String,
    /// How many keys may sign for the name now.
    pub keys: usize,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The system refused.
    #[error("cannot change the namespaces in {}", path.display())]
    Io {
        /// The data folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The name cannot be a publisher's.
    #[error("`{0}` is not the name of a publisher: expected lower-case letters, digits and `-`")]
    Name(String),
    /// No such key.
    #[error("no key of {publisher} {what} is meant by `{wanted}`: `handoff registry namespaces` lists them")]
    NoKey {
        /// The name.
        publisher: String,
        /// `waits` or `is bound`.
        what: &'static str,
        /// What was asked for.
        wanted: String,
    },
    /// Too many keys.
    #[error("{0} has {KEYS_MAX} keys already: unbind one that is no longer used")]
    TooMany(String),
    /// No reason was given.
    #[error("a reason of 1 to {REASON_CHARS_MAX} characters is needed: it is recorded")]
    Reason,
}

/// Lists requests and bindings of a data folder. Blocks.
///
/// # Errors
/// It is not a registry folder, or cannot be read.
pub fn list_namespaces(data: &Path) -> Result<NamespacesView, NamespaceError> {
    drop(Storage::read_only(data)?);
    Namespaces::of(data).view(now_ms()).map_err(io_at(data))
}

/// Binds a namespace to a key: one that waits, or one that is given. Blocks.
///
/// # Errors
/// No such key waits, the namespace has too many keys, or the folder cannot be changed.
pub fn bind_namespace(
    data: &Path,
    publisher: &str,
    wanted: &str,
    given: Option<PublicKey>,
    reason: &str,
) -> Result<NamespaceReport, NamespaceError> {
    let (namespaces, publisher) = open(data, publisher, reason)?;
    let key = match given {
        Some(key) => key,
        None => waiting(&namespaces, data, &publisher, wanted)?,
    };
    let bound = namespaces.keys(publisher.as_str()).map_err(io_at(data))?.unwrap_or_default();
    if bound.len() >= KEYS_MAX && !bound.contains(&key) {
        return Err(NamespaceError::TooMany(publisher.to_string()));
    }
    record(data, "bind-namespace", &publisher, &key, reason)?;
    let put = || {
        let folder = namespaces.bound_folder(publisher.as_str());
        fs::create_dir_all(&folder)?;
        replace(&folder, &folder.join(format!("{}.pub", hex(&key))), format!("{key}\n").as_bytes())?;
        disk::remove(&namespaces.request_path(&publisher, &key))
    };
    put().map_err(io_at(data))?;
    report(&namespaces, data, "bound", &publisher, &key)
}

/// Takes a key from a namespace. Without keys it stays reserved. Blocks.
///
/// # Errors
/// No such key is bound, or the folder cannot be changed.
pub fn unbind_namespace(
    data: &Path,
    publisher: &str,
    wanted: &str,
    reason: &str,
) -> Result<NamespaceReport, NamespaceError> {
    let (namespaces, publisher) = open(data, publisher, reason)?;
    let bound = namespaces.keys(publisher.as_str()).map_err(io_at(data))?.unwrap_or_default();
    let key = bound.into_iter().find(|key| key.id().is_meant_by(wanted));
    let key = key.ok_or_else(|| no_key(&publisher, "is bound", wanted))?;
    record(data, "unbind-namespace", &publisher, &key, reason)?;
    let path = namespaces.bound_folder(publisher.as_str()).join(format!("{}.pub", hex(&key)));
    disk::remove(&path).map_err(io_at(data))?;
    report(&namespaces, data, "unbound", &publisher, &key)
}

/// Removes a request. Blocks.
///
/// # Errors
/// No such key waits, or the folder cannot be changed.
pub fn decline_namespace(
    data: &Path,
    publisher: &str,
    wanted: &str,
    reason: &str,
) -> Result<NamespaceReport, NamespaceError> {
    let (namespaces, publisher) = open(data, publisher, reason)?;
    let key = waiting(&namespaces, data, &publisher, wanted)?;
    record(data, "decline-namespace", &publisher, &key, reason)?;
    disk::remove(&namespaces.request_path(&publisher, &key)).map_err(io_at(data))?;
    report(&namespaces, data, "declined", &publisher, &key)
}

impl Namespaces {
    pub(crate) fn view(&self, now_ms: u64) -> io::Result<NamespacesView> {
        let mut bound = Vec::new();
        let mut names = disk::names(&self.root.join("bound"))?;
        names.sort();
        for publisher in names {
            let keys = self.keys(&publisher)?.unwrap_or_default();
            bound.push(Binding { publisher, keys: keys.iter().map(|key| key.id().to_string()).collect() });
        }
        Ok(NamespacesView { requests: self.requests(now_ms)?, bound })
    }
}

fn open(data: &Path, publisher: &str, reason: &str) -> Result<(Namespaces, Publisher), NamespaceError> {
    audit::reason(reason).ok_or(NamespaceError::Reason)?;
    drop(Storage::read_only(data)?);
    let publisher = publisher.parse().map_err(|_| NamespaceError::Name(super::shown(publisher)))?;
    Ok((Namespaces::of(data), publisher))
}

fn waiting(
    namespaces: &Namespaces,
    data: &Path,
    publisher: &Publisher,
    wanted: &str,
) -> Result<PublicKey, NamespaceError> {
    let requests = namespaces.requests(now_ms()).map_err(io_at(data))?;
    let mut fitting = requests.iter().filter(|one| one.publisher == *publisher && one.key.id().is_meant_by(wanted));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.key),
        _ => Err(no_key(publisher, "waits", wanted)),
    }
}

fn no_key(publisher: &Publisher, what: &'static str, wanted: &str) -> NamespaceError {
    NamespaceError::NoKey { publisher: publisher.to_string(), what, wanted: super::shown(wanted) }
}

fn report(
    namespaces: &Namespaces,
    data: &Path,
    action: &'static str,
    publisher: &Publisher,
    key: &PublicKey,
) -> Result<NamespaceReport, NamespaceError> {
    let keys = namespaces.keys(publisher.as_str()).map_err(io_at(data))?.unwrap_or_default().len();
    Ok(NamespaceReport { action, publisher: publisher.to_string(), key_id: key.id().to_string(), keys })
}

fn io_at(data: &Path) -> impl Fn(io::Error) -> NamespaceError {
    move |source| NamespaceError::Io { path: data.to_path_buf(), source }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision<'a> {
    publisher: &'a str,
    key_id: String,
}

fn record(
    data: &Path,
    action: &'static str,
    publisher: &Publisher,
    key: &PublicKey,
    reason: &str,
) -> Result<(), NamespaceError> {
    let decision = Decision { publisher: publisher.as_str(), key_id: key.id().to_string() };
    audit::record(data, action, reason.trim(), &decision).map_err(io_at(data))
}
