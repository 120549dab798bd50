//! Large event bodies: files named by their sha256, durable before the journal names them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::{NewEvent, StoreError, StoreOptions, files};

/// An event is on its way into the journal for seconds at most; one that is late after all is refused (see [`check`]).
const OLD_SECONDS: u64 = 600;

/// An event whose data may have been set aside.
pub(super) struct PreparedEvent {
    pub(super) new: NewEvent,
    pub(super) blob: Option<[u8; 32]>,
}

/// Moves large bodies into files, off the async threads.
pub(super) async fn set_aside(options: &StoreOptions, events: Vec<NewEvent>) -> Result<Vec<PreparedEvent>, StoreError> {
    if events.iter().all(|new| new.event.data.len() <= options.inline_body_bytes) {
        return Ok(events.into_iter().map(|new| PreparedEvent { new, blob: None }).collect());
    }
    let options = options.clone();
    tokio::task::spawn_blocking(move || events.into_iter().map(|new| prepare(&options, new)).collect())
        .await
        .map_err(|error| StoreError::Stopped(error.to_string()))?
}

/// Moves one event's body into a file if it is large.
pub(super) fn prepare(options: &StoreOptions, mut new: NewEvent) -> Result<PreparedEvent, StoreError> {
    if new.event.data.len() <= options.inline_body_bytes {
        return Ok(PreparedEvent { new, blob: None });
    }
    let data = std::mem::take(&mut new.event.data);
    let digest: [u8; 32] = Sha256::digest(&data).into();
    let path = path(options, &digest);
    let is_kept = fs::read(&path).is_ok_and(|kept| kept == data);
    let done = if is_kept { touch(&path) } else { files::replace(&path, |file| file.write_all(&data)) };
    done.map_err(|source| StoreError::Io { action: "write body", path, source })?;
    Ok(PreparedEvent { new, blob: Some(digest) })
}

/// Makes a file young, so that it is not swept before the event that names it is in the journal, and durable: whoever
/// wrote it may have given it its name and not yet come to the end.
fn touch(path: &std::path::Path) -> std::io::Result<()> {
    let file = File::options().append(true).open(path)?;
    file.set_modified(std::time::SystemTime::now())?;
    file.sync_all()?;
    files::sync_folder_of(path)
}

/// Fails if a body was swept between the time it was set aside and now. The committer sweeps and logs, so nothing
/// comes in between afterwards.
pub(super) fn check(options: &StoreOptions, digest: &[u8; 32]) -> Result<(), StoreError> {
    let path = path(options, digest);
    if path.exists() { Ok(()) } else { Err(StoreError::Body(path)) }
}

/// Reads a body back and checks it.
pub(super) fn load(options: &StoreOptions, digest: &[u8; 32]) -> Result<Vec<u8>, StoreError> {
    let path = path(options, digest);
    match fs::read(&path) {
        Ok(data) if Sha256::digest(&data).as_slice() == digest => Ok(data),
        _ => Err(StoreError::Body(path)),
    }
}

/// Bytes of a body; 0 if its file is gone.
pub(super) fn size(options: &StoreOptions, digest: &[u8; 32]) -> u64 {
    fs::metadata(path(options, digest)).map_or(0, |facts| facts.len())
}

/// Bodies that are old enough to go, should nothing name them. A young one may belong to an event that is on its way
/// into the journal.
pub(super) fn old(options: &StoreOptions) -> Result<BTreeSet<[u8; 32]>, StoreError> {
    let dir = dir(options);
    let entries = fs::read_dir(&dir).map_err(|source| StoreError::Io { action: "list", path: dir.clone(), source })?;
    let mut old = BTreeSet::new();
    for entry in entries.flatten() {
        let Some(digest) = entry.file_name().to_str().and_then(parse) else { continue };
        let age = entry.metadata().and_then(|facts| facts.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age.as_secs() > OLD_SECONDS) {
            old.insert(digest);
        }
    }
    Ok(old)
}

/// Deletes bodies that nothing names any more.
pub(super) fn remove(options: &StoreOptions, unnamed: &BTreeSet<[u8; 32]>) -> Result<(), StoreError> {
    for digest in unnamed {
        let path = path(options, digest);
        fs::remove_file(&path).map_err(|source| StoreError::Io { action: "delete", path, source })?;
    }
    Ok(())
}

/// The folder of the bodies.
pub(super) fn dir(options: &StoreOptions) -> PathBuf {
    options.dir.join("bodies")
}

fn path(options: &StoreOptions, digest: &[u8; 32]) -> PathBuf {
    dir(options).join(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn parse(name: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(digest)
}
