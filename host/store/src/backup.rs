//! Backups: a copy of everything from which a store can be opened, made while the store goes on, and put back into an
//! empty data folder. Holds no configuration and no secrets.
//!
//! A backup has the layout of a data folder without the index, which is made again from the export and the journal, and
//! the list `backup.json`, which is written last: a folder without it is not a backup.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use handoff_model::time::Timestamp;

use super::journal::JournalError;
use super::keys::SCHEMA_VERSION;
use super::{Store, files};

/// The file that lists a backup's contents.
const LIST: &str = "backup.json";
/// Its largest size in bytes: a million files.
const LIST_BYTES_MAX: u64 = 256 << 20;
/// The version of the list's format.
const FORMAT: u32 = 1;
/// Bytes copied at once.
const COPIED_BYTES: usize = 1 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backup {
    /// The version of this list's format.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The schema of the data.
    pub schema: u32,
    /// When it was made, in milliseconds since 1970. What was acknowledged before is in it.
    pub at: Timestamp,
    /// The files, by path.
    pub files: Vec<BackupFile>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupFile {
    /// The path below the backup's folder.
    pub path: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: String,
}

impl Backup {
    /// The size of all files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add)
    }
}

/// Why a backup cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The operating system returned an error.
    #[error("backup: {action} `{path}`: {source}")]
    Io {
        /// The attempted action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The journal returned an error.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The target folder has content.
    #[error("`{0}` is not empty: expected an empty folder, or none")]
    NotEmpty(PathBuf),
    /// The folder is not a complete backup.
    #[error("`{0}` is not a backup: its list `{LIST}` is missing. It is written last, so the backup was not finished")]
    NoList(PathBuf),
    /// The list cannot be used.
    #[error("the list `{path}` cannot be used: {problem}")]
    BadList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A newer program made the backup.
    #[error(
        "the backup has format {format} and schema {schema}; this program knows {FORMAT} and {SCHEMA_VERSION}. Use the \
             version that made it, or a newer one"
    )]
    TooNew {
        /// The format of the list.
        format: u32,
        /// The schema of the data.
        schema: u32,
    },
    /// A file differs from the list.
    #[error("`{path}` differs from what was backed up: {problem}. Use another backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_path_buf();
    move |source| BackupError::Io { action, path, source }
}

impl Store {
    /// Writes a backup into an empty folder, durably, while the store goes on. Everything that was acknowledged before
    /// the call is in it. `program` is the version of the program. Blocks for as long as copying takes; retention waits
    /// until the next time.
    pub fn back_up(&self, folder: &Path, program: &str, at: Timestamp) -> Result<Backup, BackupError> {
        require_empty(folder)?;
        files::create_folder(folder).map_err(failed("create", folder))?;
        let _no_retention = self.shared.retention.lock();
        let end = *self.shared.durable.lock();
        let mut listed = Vec::new();
        self.shared.journal.back_up(end, &mut |path, content| {
            let (bytes, sha256) = write_file(&folder.join(path), content)?;
            listed.push(BackupFile { path: path.to_owned(), bytes, sha256 });
            Ok(())
        })?;
        listed.sort();
        let backup = Backup { format: FORMAT, program: program.to_owned(), schema: SCHEMA_VERSION, at, files: listed };
        let path = folder.join(LIST);
        let text = serde_json::to_vec_pretty(&backup).map_err(io::Error::other).map_err(failed("write", &path))?;
        files::replace(&path, |file| file.write_all(&text)).map_err(failed("write", &path))?;
        Ok(backup)
    }
}

/// Checks every file of a backup against its list. Files that are not listed are left out when it is put back.
pub fn verify_backup(folder: &Path) -> Result<Backup, BackupError> {
    let backup = read_list(folder)?;
    for file in &backup.files {
        let path = folder.join(&file.path);
        let mut content = open(&path)?;
        let found = copy(&mut content, &mut io::sink()).map_err(failed("read", &path))?;
        compare(&path, file, &found)?;
    }
    Ok(backup)
}

/// Puts a backup back into a data folder, which must be empty or not exist. Each file is checked against the list while
/// it is copied; after an error the data folder is removed.
pub fn restore_backup(folder: &Path, data: &Path) -> Result<Backup, BackupError> {
    let backup = read_list(folder)?;
    require_empty(data)?;
    let restored = restore_files(folder, data, &backup.files);
    if restored.is_err() {
        drop(fs::remove_dir_all(data));
    }
    restored.map(|()| backup)
}

fn restore_files(folder: &Path, data: &Path, listed: &[BackupFile]) -> Result<(), BackupError> {
    files::create_folder(data).map_err(failed("create", data))?;
    for file in listed {
        let path = folder.join(&file.path);
        let mut content = open(&path)?;
        let found = write_file(&data.join(&file.path), &mut content).map_err(failed("restore", &path))?;
        compare(&path, file, &found)?;
    }
    Ok(())
}

fn read_list(folder: &Path) -> Result<Backup, BackupError> {
    let path = folder.join(LIST);
    let bad = |problem: String| BackupError::BadList { path: path.clone(), problem };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BackupError::NoList(folder.to_path_buf())),
        Err(error) => return Err(failed("open", &path)(error)),
    };
    let mut text = Vec::new();
    file.take(LIST_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed("read", &path))?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > LIST_BYTES_MAX) {
        return Err(bad(format!("it is larger than {LIST_BYTES_MAX} bytes")));
    }
    // Only these two fields, because a newer format may have others.
    #[derive(Deserialize)]
    struct Versions {
        format: u32,
        schema: u32,
    }
    let Versions { format, schema } = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if format > FORMAT || schema > SCHEMA_VERSION {
        return Err(BackupError::TooNew { format, schema });
    }
    let backup: Backup = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let mut seen = BTreeSet::new();
    for file in &backup.files {
        // A list may come from anywhere: nothing outside of the two folders is read or written.
        let is_below = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
        if file.path.is_empty() || !is_below || !seen.insert(&file.path) {
            return Err(bad(format!(
                "`{}` is not the path of a file below the folder, once",
                file.path.escape_debug()
            )));
        }
    }
    Ok(backup)
}

fn require_empty(folder: &Path) -> Result<(), BackupError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::NotEmpty(folder.to_path_buf())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("list", folder)(error)),
    }
}

fn open(path: &Path) -> Result<File, BackupError> {
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            BackupError::Damaged { path: path.to_path_buf(), problem: "it is missing".to_owned() }
        }
        _ => failed("open", path)(error),
    })
}

fn compare(path: &Path, listed: &BackupFile, (bytes, sha256): &(u64, String)) -> Result<(), BackupError> {
    let problem = if *bytes != listed.bytes {
        format!("it has {bytes} bytes, the list says {}", listed.bytes)
    } else if *sha256 != listed.sha256 {
        "its SHA-256 is another one".to_owned()
    } else {
        return Ok(());
    };
    Err(BackupError::Damaged { path: path.to_path_buf(), problem })
}

/// Writes a new file, durably, and creates its folder. Returns size and SHA-256.
fn write_file(path: &Path, content: &mut dyn Read) -> io::Result<(u64, String)> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let mut done = (0, String::new());
    files::replace(path, |file| {
        done = copy(content, file)?;
        Ok(())
    })?;
    Ok(done)
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<(u64, String)> {
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0_u64, vec![0; COPIED_BYTES]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex::encode(hasher.finalize()))),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..read).unwrap_or_default();
        hasher.update(part);
        to.write_all(part)?;
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(0));
    }
}
