//! Writes files that survive a power cut: first the synced content, then the name, then the folder. It knows no layout.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand::TryRngCore as _;

/// Unpredictable bytes.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// A unique name: 128 random bits as hex digits.
pub(super) fn random_name() -> io::Result<String> {
    Ok(hex::encode(random::<16>()?))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates a folder below `root` with all missing parents, each made durable in its parent.
pub(super) fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(root);
    make_folders(root, parent)?;
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(parent),
        // Another thread created it; it may not have synced the parent yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sync_folder(parent),
        Err(error) => Err(error),
    }
}

/// Writes a whole file with a random name in `staging` and syncs it; it is not yet at its final path.
pub(super) fn stage(staging: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = staging.join(random_name()?);
    let mut file = File::create_new(&path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}

/// Renames a file to its final path, replacing what is there, and makes the name durable.
pub(super) fn settle(staged: &Path, path: &Path) -> io::Result<()> {
    fs::rename(staged, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Creates an empty marker file. Returns whether it is new.
pub(super) fn mark(path: &Path) -> io::Result<bool> {
    match File::create_new(path) {
        Ok(_) => path.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file durably. Returns whether it existed.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Appends a line to a file and makes it durable.
pub(super) fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = File::options().append(true).create(true).open(path)?;
    file.write_all(&[line, b"\n"].concat())?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Sets a file's times to now: garbage collection keeps what is younger than the grace time.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    let now = std::time::SystemTime::now();
    File::options().write(true).open(path)?.set_times(fs::FileTimes::new().set_modified(now))
}

/// The whole file; none if it does not exist.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names in a folder, unsorted; none if there is no such folder. Names that are not UTF-8, and a file where a folder is expected,
/// were not created by the registry: they are ignored, so that a stray file stops neither garbage collection nor verification.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}
