//! Namespaces: a publisher asks for a name with its key, and the administrator binds the name to the key. From then on only
//! bound keys may sign the lists of its packages. Files are read at each use, so that commands work while a server runs.
//!
//! Requests come from anybody: they are bounded in number for each sender, each publisher and in total, and expire.

mod admin;

pub use admin::{
    Binding, NamespaceError, NamespaceReport, NamespacesView, bind_namespace, decline_namespace, list_namespaces,
    unbind_namespace,
};

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use handoff_listen::sender;
use handoff_package::trust::{Envelope, KeyId, PublicKey, Publisher, Statement};

use crate::disk;
use crate::refusal::{Code, Refusal};

/// How long a request waits for the administrator.
const REQUEST_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// How far the clocks of publisher and registry may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(86_400);
/// Most requests that wait.
const REQUESTS_MAX: usize = 1_000;
/// Most requests that wait for one publisher.
const REQUESTS_PER_PUBLISHER_MAX: usize = 10;
/// Most requests of one sender that wait. Programs of this machine, among them a reverse proxy, share all requests.
const REQUESTS_PER_SENDER_MAX: usize = 5;
/// Most keys of a namespace.
const KEYS_MAX: usize = 16;
/// Largest file here, in bytes. A request has some hundred.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceRequest {
    /// The name.
    pub publisher: Publisher,
    /// The id of the key, to compare with the publisher.
    pub key_id: KeyId,
    /// The key that signed the request.
    pub key: PublicKey,
    /// How to reach the publisher, as it says itself.
    pub contact: String,
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The sender: an address, or a network of IPv6.
    pub sender: IpAddr,
}

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It waits.
    Requested,
    /// The key is bound.
    Bound,
}

/// The folder `namespaces` of a registry's data.
#[derive(Debug)]
pub(super) struct Namespaces {
    root: PathBuf,
    /// Requests are counted and added one at a time.
    adding: Mutex<()>,
}

impl Namespaces {
    pub(super) fn of(data: &Path) -> Self {
        Self { root: data.join("namespaces"), adding: Mutex::new(()) }
    }

    fn requests_folder(&self) -> PathBuf {
        self.root.join("requests")
    }

    fn bound_folder(&self, publisher: &str) -> PathBuf {
        self.root.join("bound").join(publisher)
    }

    /// The keys of a bound namespace; none if the name is not bound. Blocks.
    pub(super) fn keys(&self, publisher: &str) -> io::Result<Option<Vec<PublicKey>>> {
        let folder = self.bound_folder(publisher);
        if !folder.is_dir() {
            return Ok(None);
        }
        let mut keys = Vec::new();
        for name in disk::names(&folder)?.into_iter().filter(|name| name.ends_with(".pub")).take(KEYS_MAX) {
            let path = folder.join(name);
            let text = String::from_utf8(bounded(&path)?).map_err(io::Error::other)?;
            keys.push(text.parse().map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?);
        }
        keys.sort();
        Ok(Some(keys))
    }

    /// Requests that wait, oldest first. Expired ones are removed. Blocks.
    pub(super) fn requests(&self, now_ms: u64) -> io::Result<Vec<NamespaceRequest>> {
        let folder = self.requests_folder();
        let mut requests = Vec::new();
        for name in disk::names(&folder)?.into_iter().filter(|name| name.ends_with(".json")) {
            let path = folder.join(name);
            let request: NamespaceRequest = match serde_json::from_slice(&bounded(&path)?) {
                Ok(request) => request,
                Err(error) => return Err(io::Error::other(format!("{}: {error}", path.display()))),
            };
            if now_ms.saturating_sub(request.at_ms) > millis(REQUEST_LIFE) {
                disk::remove(&path)?;
            } else {
                requests.push(request);
            }
        }
        requests.sort_by_key(|request| request.at_ms);
        Ok(requests)
    }

    /// Takes a signed request. `host` is the host that the client asked. Blocks.
    pub(super) fn request(
        &self,
        envelope: &[u8],
        address: IpAddr,
        host: &str,
        now_ms: u64,
    ) -> Result<(NamespaceRequest, State), Refusal> {
        let invalid = |text: String| Refusal::new(Code::Unsupported, text).with_status(http::StatusCode::BAD_REQUEST);
        let envelope = Envelope::from_json(envelope).map_err(|error| invalid(error.to_string()))?;
        let statement = Statement::claimed(&envelope).map_err(|problem| invalid(format!("the request {problem}")))?;
        let Statement::Namespace(said) = statement else {
            return Err(invalid(format!("found a statement about {}, not a request", statement.about())));
        };
        if !envelope.is_signed_by(&said.key) {
            return Err(invalid("the key of the request did not sign it".to_owned()));
        }
        if said.registry != host {
            let text = format!("the request is for the registry `{}`, and this is `{host}`", shown(&said.registry));
            return Err(invalid(text));
        }
        if said.signed_at_ms.abs_diff(now_ms) > millis(CLOCK_SKEW) {
            return Err(invalid(
                "the request was signed over a day ago or ahead: check the clock, and sign again".to_owned(),
            ));
        }
        let request = NamespaceRequest {
            publisher: said.publisher,
            key_id: said.key.id(),
            key: said.key,
            contact: said.contact,
            at_ms: now_ms,
            sender: sender(address),
        };
        let io = |error: io::Error| Refusal::internal(&error);
        let bound = self.keys(request.publisher.as_str()).map_err(io)?;
        if bound.is_some_and(|keys| keys.contains(&request.key)) {
            return Ok((request, State::Bound));
        }
        let _adding = self.adding.lock();
        self.check_room(&request, &self.requests(now_ms).map_err(io)?)?;
        self.put(&request).map_err(io)?;
        tracing::info!(publisher = %request.publisher, key = %request.key.id().short(), "a namespace is requested");
        Ok((request, State::Requested))
    }

    /// The same request again takes its own place.
    fn check_room(&self, request: &NamespaceRequest, waiting: &[NamespaceRequest]) -> Result<(), Refusal> {
        let others = || waiting.iter().filter(|one| (&one.publisher, one.key) != (&request.publisher, request.key));
        let full =
            |text: &str| Err(Refusal::new(Code::TooManyRequests, text).with_header(http::header::RETRY_AFTER, "86400"));
        let of_sender = others().filter(|one| one.sender == request.sender).count();
        if of_sender >= REQUESTS_PER_SENDER_MAX && !request.sender.is_loopback() {
            return full(
                "as many requests from this address wait as may: ask the registry's administrator to decide them",
            );
        }
        if others().filter(|one| one.publisher == request.publisher).count() >= REQUESTS_PER_PUBLISHER_MAX {
            return full("as many keys wait for this name as may: ask the registry's administrator to decide them");
        }
        if others().count() >= REQUESTS_MAX {
            return full("as many requests wait as this registry keeps: ask its administrator to decide them");
        }
        Ok(())
    }

    fn put(&self, request: &NamespaceRequest) -> io::Result<()> {
        let folder = self.requests_folder();
        fs::create_dir_all(&folder)?;
        let bytes = serde_json::to_vec_pretty(request).map_err(io::Error::other)?;
        replace(&folder, &self.request_path(&request.publisher, &request.key), &bytes)
    }

    fn request_path(&self, publisher: &Publisher, key: &PublicKey) -> PathBuf {
        self.requests_folder().join(format!("{publisher}.{}.json", hex(key)))
    }
}

/// Writes a file beside its place, then renames it.
fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let staged = disk::stage(folder, bytes)?;
    disk::settle(&staged, path)
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hex(key: &PublicKey) -> String {
    key.id().to_string().trim_start_matches("sha256:").to_owned()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn shown(text: &str) -> String {
    handoff_package::manifest::printable(text, 100)
}

#[cfg(test)]
mod tests;
