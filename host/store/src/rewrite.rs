//! Rewrites the index into a new folder once its files have grown far beyond their contents: sled never frees disk
//! space.
//!
//! Runs on the checkpoint thread, where nothing else writes to the index. Readers continue with the old index and see
//! the new one at their next look-up. Makes no decisions about rows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::buffer::Layer;
use super::checkpoint;
use super::index::Index;
use super::keys::Key;
use super::rows::encode;
use super::{Shared, StoreError, StoreOptions, files};

/// Rows that are written to the new index at once.
const ROWS_AT_ONCE: usize = 10_000;
const NAME: &str = "index";

/// Rewrites the index if that saves enough. A failure is harmless: the old index stays in use.
pub(super) fn if_worth_it(shared: &Shared, checkpoint: &checkpoint::Checkpoint) {
    let started = Instant::now();
    match rewrite(shared, checkpoint) {
        Ok(None) => {}
        Ok(Some((before, after))) => tracing::info!(
            bytes_before = before,
            bytes_after = after,
            duration_ms = started.elapsed().as_millis(),
            "the index was rewritten: it had grown far beyond what it holds"
        ),
        Err(error) => tracing::warn!(%error, "the index cannot be rewritten; it continues to grow"),
    }
}

/// Rewrites the index if that saves enough. Returns the sizes before and after.
fn rewrite(shared: &Shared, checkpoint: &checkpoint::Checkpoint) -> Result<Option<(u64, u64)>, StoreError> {
    let old = shared.view.index();
    let before = old.file_bytes()?;
    let StoreOptions { index_rewrite_bytes, steps, .. } = &shared.options;
    if before < *index_rewrite_bytes || before < old.bytes_when_new().saturating_mul(steps.index_growth) {
        return Ok(None);
    }
    let dir = next(old.dir());
    let io = |action| {
        let path = dir.clone();
        move |source| StoreError::Io { action, path, source }
    };
    remove(&dir).map_err(io("clear"))?;
    let new = match copy(&old, &dir, checkpoint, &shared.options) {
        Ok(new) => new,
        Err(error) => {
            drop(remove(&dir));
            return Err(error);
        }
    };
    let after = new.bytes_when_new();
    let old_dir = old.dir().to_path_buf();
    drop(old);
    close(shared.view.replace_index(new));
    // Done first: segments that only the old index needs may be dropped from now on, so it must not be found any more.
    remove(&old_dir).map_err(io("remove the index before"))?;
    Ok(Some((before, after)))
}

fn copy(
    old: &Index,
    dir: &Path,
    checkpoint: &checkpoint::Checkpoint,
    options: &StoreOptions,
) -> Result<Index, StoreError> {
    let mut new = Index::open(dir, options.cache_bytes, options.steps.index_watch)?;
    let mut rows = Layer::new();
    old.each(|key, value| {
        if key != checkpoint::key().as_slice() {
            rows.insert(Key::from_slice(key), Some(value.to_vec()));
        }
        if rows.len() >= ROWS_AT_ONCE { new.write(&std::mem::take(&mut rows)) } else { Ok(()) }
    })?;
    new.checkpoint(&rows, (checkpoint::key(), encode(checkpoint)))?;
    new.note_size()?;
    Ok(new)
}

/// Waits until the index has no readers, which takes as long as a look-up.
fn close(index: Arc<Index>) {
    let gone = index.when_gone();
    drop(index);
    // Nothing is ever sent: the channel closes when the index is dropped.
    let Err(_ended) = gone.recv();
}

/// Chooses the valid index of a data folder and moves it to its usual name. Called before the index is opened: a
/// process may have died during a rewrite.
pub(super) fn settle(options: &StoreOptions) -> Result<PathBuf, StoreError> {
    let home = options.dir.join(NAME);
    let settled = || -> io::Result<()> {
        let mut found = candidates(&options.dir)?;
        found.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        // The newest complete index. The first one needs no mark: a new, empty index has the same name.
        let Some(chosen) = found.iter().position(|(number, dir)| *number == 0 || Index::is_noted(dir)) else {
            return found.iter().try_for_each(|(_, dir)| remove(dir));
        };
        let (number, dir) = found.remove(chosen);
        found.iter().try_for_each(|(_, other)| remove(other))?;
        if number != 0 {
            fs::rename(&dir, &home)?;
            files::sync_folder(&options.dir)?;
        }
        Ok(())
    };
    settled().map_err(|source| StoreError::Io { action: "settle", path: home.clone(), source })?;
    Ok(home)
}

/// `index` and `index.N`, with their numbers.
fn candidates(data: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        found.extend(number(&path).map(|number| (number, path)));
    }
    Ok(found)
}

fn number(dir: &Path) -> Option<u64> {
    let name = dir.file_name()?.to_str()?;
    if name == NAME { Some(0) } else { name.strip_prefix(NAME)?.strip_prefix('.')?.parse().ok() }
}

fn next(dir: &Path) -> PathBuf {
    dir.with_file_name(format!("{NAME}.{}", number(dir).map_or(1, |number| number + 1)))
}

/// Removes a folder durably, if it exists.
fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => files::sync_folder_of(dir),
    }
}
