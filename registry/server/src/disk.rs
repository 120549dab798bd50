//! Writes files so that they survive the loss of power: synced content, then the name, then the folder. Knows no layout.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand::TryRngCore as _;

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// A name that nobody else takes: 128 random bits as hex digits.
pub(super) fn random_name() -> io::Result<String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder below `root` with all that is missing above it, each made durable in its parent.
pub(super) fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(root);
    make_folders(root, parent)?;
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(parent),
        // Another one made it meanwhile; whether it has synced the parent already is not known.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sync_folder(parent),
        Err(error) => Err(error),
    }
}

/// Writes a whole file under a random name in `staging`; synced, and not yet at its place.
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

/// Gives a synced file its name, replacing what has it, and makes the name durable.
pub(super) fn settle(staged: &Path, path: &Path) -> io::Result<()> {
    fs::rename(staged, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes an empty file, which says something by its name alone. True if it is new.
pub(super) fn mark(path: &Path) -> io::Result<bool> {
    match File::create_new(path) {
        Ok(_) => path.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file for good. False if there is none.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sets a file's times to now: what is younger than the grace time is no garbage.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    let now = std::time::SystemTime::now();
    File::options().write(true).open(path)?.set_times(fs::FileTimes::new().set_modified(now))
}

/// The whole file; none if there is no such file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names in a folder, unsorted; none if there is no such folder. What is no UTF-8, or a file where a folder is looked for, was not
/// put there by the registry: a stray file keeps nobody from sweeping and checking the rest.
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
