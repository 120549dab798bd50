//! Opens a folder component by component, so that it decides about each link. It reads no file.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{FOLDER, Folder};

/// On the way a folder need only be searchable.
const STEP: OFlags = FOLDER.union(OFlags::PATH);
/// Links that a path may contain before it counts as a loop, as in the kernel.
const LINKS_MAX: u32 = 40;

/// What the last component of a path may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The folder itself.
    Itself,
    /// Also a link of root or of this process's user.
    OwnLink,
}

/// Opens a folder; creates missing ones if a mode is given.
pub(super) fn open(path: &Path, end: End, create: Option<Mode>) -> io::Result<Folder> {
    let mut links = 0;
    let mut current = rustix::fs::openat(CWD, if path.is_absolute() { "/" } else { "." }, STEP, Mode::empty())?;
    let mut rest: Vec<PathBuf> = parts(path);
    while let Some(part) = rest.pop() {
        let found = match (rustix::fs::statat(&current, &part, AtFlags::SYMLINK_NOFOLLOW), create) {
            (Err(Errno::NOENT), Some(mode)) => {
                make(&current, &part, mode)?;
                rustix::fs::statat(&current, &part, AtFlags::SYMLINK_NOFOLLOW)?
            }
            (found, _) => found?,
        };
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            current = rustix::fs::openat(&current, &part, STEP, Mode::empty())?;
            continue;
        }
        let ours = found.st_uid == 0 || found.st_uid == rustix::process::geteuid().as_raw();
        links += 1;
        if !ours || links > LINKS_MAX || (rest.is_empty() && end == End::Itself) {
            return Err(refused(&part));
        }
        let target = rustix::fs::readlinkat(&current, &part, Vec::new())?;
        let target = Path::new(OsStr::from_bytes(target.as_bytes()));
        if target.is_absolute() {
            current = rustix::fs::openat(CWD, "/", STEP, Mode::empty())?;
        }
        rest.extend(parts(target));
    }
    Ok(Folder(rustix::fs::openat(current, ".", FOLDER, Mode::empty())?))
}

fn make(parent: &OwnedFd, name: &Path, mode: Mode) -> io::Result<()> {
    match rustix::fs::mkdirat(parent, name, mode) {
        // A folder that may be searched and not read cannot be synced.
        Ok(()) => match rustix::fs::openat(parent, ".", FOLDER, Mode::empty()) {
            Ok(parent) => Ok(rustix::fs::fsync(parent)?),
            Err(Errno::ACCESS) => Ok(()),
            Err(error) => Err(error.into()),
        },
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The error for a link that is not followed.
pub(super) fn refused(part: &Path) -> io::Error {
    let problem = format!("`{}` in the path is a symbolic link: name the folder or file itself", part.display());
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// The components of a path, last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    named.collect()
}
