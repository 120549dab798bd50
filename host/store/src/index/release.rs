//! Waits until the files of a closed index are no longer open. Opens nothing for longer than that.
//!
//! sled's threads keep its file open, and locked, until the last write that they began has returned: that may be after
//! the database was dropped. A store that is opened again in the same process would find its own index locked, take it
//! for broken, and rebuild it from the journal.

use std::fs::{OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::StoreError;

/// The longest wait. No other host can have the files open: it would have to lock the data folder first.
const WAIT_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until the index in a folder can be opened. Fails with [`StoreError::InUse`] if it stays open.
pub(super) fn wait(dir: &Path) -> Result<(), StoreError> {
    let begun = Instant::now();
    wait_with(dir, || {
        // The system does not report when a file is unlocked.
        std::thread::park_timeout(PAUSE);
        begun.elapsed() < WAIT_MAX
    })
}

/// Calls `pause` before each further try, until it returns false.
fn wait_with(dir: &Path, mut pause: impl FnMut() -> bool) -> Result<(), StoreError> {
    let path = dir.join("db");
    let failed = |source| StoreError::Io { action: "lock", path: path.clone(), source };
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(failed)?,
    };
    loop {
        match file.try_lock() {
            // Explicitly: a process that starts at this moment may have inherited the file.
            Ok(()) => return file.unlock().map_err(failed),
            Err(TryLockError::WouldBlock) if pause() => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(dir.to_path_buf())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn an_index_is_opened_once_its_files_are_closed() {
        let dir = tempfile::tempdir().expect("a folder");
        wait_with(dir.path(), || panic!("nothing is there yet")).expect("free");
        let lock = || {
            let file = File::create(dir.path().join("db")).expect("a file");
            file.lock().expect("locked");
            file
        };
        let (mut open, mut pauses) = (Some(lock()), 0);
        let waited = wait_with(dir.path(), || {
            pauses += 1;
            if pauses == 3 {
                open = None;
            }
            true
        });
        assert!(waited.is_ok() && pauses == 3, "{waited:?} after {pauses}");
        drop(lock());
        let _open = lock();
        assert!(matches!(wait_with(dir.path(), || false), Err(StoreError::InUse(_))), "not forever");
    }
}
