//! Unfinished uploads: appended to a file, hashed on the way, placed when their digest matches. They survive a restart;
//! idle ones expire. It knows HTTP only as the form of a refusal.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::clock::Clock;
use crate::disk;
use crate::name::Repository;
use crate::refusal::{Code, Refusal};
use crate::storage::{At as _, Storage, StorageError};
use handoff_listen::sender;
use handoff_package::Digest;

/// How long a request waits while another one writes to the same upload: a broken connection may take a moment to be
/// noticed.
const TURN_PATIENCE: Duration = Duration::from_secs(10);

/// All active uploads.
#[derive(Debug)]
pub(super) struct Uploads {
    storage: Arc<Storage>,
    open: Mutex<HashMap<String, Arc<Upload>>>,
    bounds: Bounds,
    clock: Clock,
}

/// Limits of uploads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Size limit of a blob, in bytes.
    pub(super) blob_bytes_max: u64,
    /// Maximum number of concurrent uploads.
    pub(super) uploads_max: usize,
    /// The part of them that one sender may have.
    pub(super) per_address_max: usize,
    /// Idle time after which an upload is cancelled.
    pub(super) idle: Duration,
}

/// One upload.
#[derive(Debug)]
pub(super) struct Upload {
    id: String,
    about: About,
    folder: PathBuf,
    clock: Clock,
    used_at: Mutex<Instant>,
    /// One request at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Locked only where blocking is allowed.
    written: Mutex<Option<Written>>,
}

/// Data of an upload that must survive a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    repository: Repository,
    /// Who started it; none if an earlier version did.
    #[serde(default)]
    sender: Option<IpAddr>,
}

#[derive(Debug)]
struct Written {
    file: File,
    hasher: Sha256,
    size: u64,
}

/// The right to write to an upload. Every writer holds a clone: the turn ends when the last clone is dropped.
pub(super) type Turn = Arc<OwnedMutexGuard<()>>;

impl Uploads {
    /// Resumes the uploads that were active when the registry stopped.
    pub(super) fn open(storage: Arc<Storage>, bounds: Bounds, clock: Clock) -> Result<Self, StorageError> {
        let folder = storage.uploads();
        let mut open = HashMap::new();
        for id in disk::names(&folder).at("list", &folder)? {
            let folder = folder.join(&id);
            let about = disk::read(&folder.join("about")).at("read", &folder)?;
            match about.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                Some(about) => drop(open.insert(id.clone(), Arc::new(Upload::new(id, about, folder, &clock)))),
                // The start failed before the client had an answer.
                None => fs::remove_dir_all(&folder).at("remove", &folder)?,
            }
        }
        Ok(Self { storage, open: Mutex::new(open), bounds, clock })
    }

    /// The limits.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Starts an upload for a client at this address. Blocks.
    pub(super) fn start(&self, repository: &Repository, client: IpAddr) -> Result<Arc<Upload>, Refusal> {
        self.expire()?;
        let id = disk::random_name().at("name an upload below", self.storage.root())?;
        let folder = self.storage.uploads().join(&id);
        let sender = sender(client);
        let about = About { repository: repository.clone(), sender: Some(sender) };
        let upload = Arc::new(Upload::new(id.clone(), about, folder, &self.clock));
        {
            let mut open = self.open.lock();
            let busy = |text: String| {
                Err(Refusal::new(Code::TooManyRequests, text).with_header(http::header::RETRY_AFTER, "5"))
            };
            if open.len() >= self.bounds.uploads_max {
                return busy(format!("{} uploads are active, the maximum: try again in a moment", open.len()));
            }
            let own = open.values().filter(|upload| upload.about.sender == Some(sender)).count();
            if own >= self.bounds.per_address_max && !sender.is_loopback() {
                return busy(format!(
                    "{own} uploads of this address are active, the maximum for one: finish or cancel one, or try again when an idle \
                     one was cancelled"
                ));
            }
            open.insert(id.clone(), upload.clone());
        }
        if let Err(error) = upload.create() {
            self.open.lock().remove(&id);
            return Err(error.into());
        }
        Ok(upload)
    }

    /// An upload of a repository.
    pub(super) fn find(&self, repository: &Repository, id: &str) -> Result<Arc<Upload>, Refusal> {
        let found = self.open.lock().get(id).filter(|upload| upload.about.repository == *repository).cloned();
        let upload = found.ok_or_else(|| {
            let id = super::name::shorten(id);
            let text =
                format!("{repository} has no upload `{id}`: it finished, was cancelled or expired; start a new one");
            Refusal::new(Code::BlobUploadUnknown, text)
        })?;
        *upload.used_at.lock() = self.clock.now();
        Ok(upload)
    }

    /// Cancels an upload. Blocks.
    pub(super) fn cancel(&self, upload: &Upload) -> Result<(), StorageError> {
        self.open.lock().remove(&upload.id);
        *upload.written.lock() = None;
        match fs::remove_dir_all(&upload.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", &upload.folder),
            _ => Ok(()),
        }
    }

    /// Finishes an upload: makes it durable, checks its digest and adds it to the repository; or cancels it. Blocks.
    pub(super) fn finish(&self, upload: &Upload, digest: &Digest) -> Result<u64, Refusal> {
        let (found, size) = upload.seal()?;
        if found != *digest {
            self.cancel(upload)?;
            let text = format!(
                "expected the digest {digest}, but the {size} bytes of the upload have {found}: the upload was cancelled"
            );
            return Err(Refusal::new(Code::DigestInvalid, text));
        }
        {
            let _placing = self.storage.placing();
            self.storage.place(&upload.folder.join("data"), digest)?;
            self.storage.link_blob(&upload.about.repository, digest)?;
        }
        self.cancel(upload)?;
        Ok(size)
    }

    /// Cancels idle uploads and returns their number. Blocks.
    pub(super) fn expire(&self) -> Result<u64, StorageError> {
        let now = self.clock.now();
        let is_idle = |upload: &&Arc<Upload>| {
            let idle = now.saturating_duration_since(*upload.used_at.lock());
            idle >= self.bounds.idle && upload.turn.try_lock().is_ok()
        };
        let idle: Vec<Arc<Upload>> = self.open.lock().values().filter(is_idle).cloned().collect();
        for upload in &idle {
            tracing::info!(upload = upload.id, repository = %upload.about.repository, "cancelled an idle upload");
            self.cancel(upload)?;
        }
        Ok(u64::try_from(idle.len()).unwrap_or(u64::MAX))
    }
}

impl Upload {
    fn new(id: String, about: About, folder: PathBuf, clock: &Clock) -> Self {
        let (turn, written) = (Arc::default(), Mutex::new(None));
        let (clock, used_at) = (clock.clone(), Mutex::new(clock.now()));
        Self { id, about, folder, clock, used_at, turn, written }
    }

    /// Its id in URLs.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The data file comes first: an upload with `about` is complete.
    fn create(&self) -> Result<(), StorageError> {
        fs::create_dir(&self.folder).at("make the folder", &self.folder)?;
        let data = self.folder.join("data");
        let file = File::options().append(true).create_new(true).open(&data).at("make", &data)?;
        *self.written.lock() = Some(Written { file, hasher: Sha256::new(), size: 0 });
        let about = self.folder.join("about");
        let bytes = serde_json::to_vec(&self.about).unwrap_or_default();
        fs::write(&about, bytes).at("write", &about)
    }

    /// Waits for the right to write.
    pub(super) async fn turn(&self) -> Result<Turn, Refusal> {
        let busy = |_| {
            let text = "another request is writing to this upload: wait for it to end, then request the status and resume from there";
            Refusal::new(Code::TooManyRequests, text).with_header(http::header::RETRY_AFTER, "5")
        };
        let turn = tokio::time::timeout(TURN_PATIENCE, self.turn.clone().lock_owned()).await.map_err(busy)?;
        *self.used_at.lock() = self.clock.now();
        Ok(Arc::new(turn))
    }

    /// Bytes received so far. Blocks.
    pub(super) fn size(&self) -> Result<u64, Refusal> {
        self.with_written(|written| Ok(written.size))
    }

    /// Appends up to the limit. Blocks.
    pub(super) fn append(&self, chunks: &[Bytes], most: u64) -> Result<(), Refusal> {
        let data = self.folder.join("data");
        let more: usize = chunks.iter().map(Bytes::len).sum();
        self.with_written(|written| {
            let size = written.size.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            if size > most {
                return Err(too_large(most));
            }
            for chunk in chunks {
                let before = written.size;
                if let Err(error) = written.file.write_all(chunk) {
                    // Remove a partial write, so that the client can resume from the previous size.
                    let cut = written.file.set_len(before);
                    return Err(StorageError::Io {
                        what: "write",
                        path: data.clone(),
                        source: cut.err().unwrap_or(error),
                    }
                    .into());
                }
                written.hasher.update(chunk);
                written.size = before.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            }
            *self.used_at.lock() = self.clock.now();
            Ok(())
        })
    }

    /// Makes the data durable; returns its digest and size.
    fn seal(&self) -> Result<(Digest, u64), Refusal> {
        let data = self.folder.join("data");
        self.with_written(|written| {
            written.file.sync_all().at("sync", &data)?;
            Ok((Digest::from_bytes(written.hasher.clone().finalize().into()), written.size))
        })
    }

    fn with_written<T>(&self, work: impl FnOnce(&mut Written) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut slot = self.written.lock();
        if slot.is_none() {
            *slot = Some(self.reopen()?);
        }
        match slot.as_mut() {
            Some(written) => work(written),
            None => Err(Refusal::new(Code::BlobUploadUnknown, "the upload no longer exists: start a new one")),
        }
    }

    /// After a restart the file is authoritative and is hashed again.
    fn reopen(&self) -> Result<Written, StorageError> {
        let data = self.folder.join("data");
        let mut file = File::options().append(true).read(true).open(&data).at("open", &data)?;
        let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0_u8; 256 << 10]);
        loop {
            let read = file.read(&mut buffer).at("read", &data)?;
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
            hasher.update(part);
            size = size.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        Ok(Written { file, hasher, size })
    }
}

/// A blob over the limit.
pub(super) fn too_large(most: u64) -> Refusal {
    let text = format!("the blob has more than {most} bytes, the limit of this registry: remove what is not needed");
    Refusal::new(Code::SizeInvalid, text).with_status(http::StatusCode::PAYLOAD_TOO_LARGE)
}

#[cfg(test)]
mod tests;
