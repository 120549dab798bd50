//! Opens and lists folders as handles, so that what a name means cannot change between a check and its use. It follows no link
//! that a stranger may have placed, and reads no file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Links that a path may contain before it counts as a loop, as in the kernel.
const LINKS_MAX: u32 = 40;

/// Opens a folder. Its last component must be the folder itself. A link further up is followed only if root or the
/// host's own user made it: a user who drops files may write in a folder above, too.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    let mut links = 0;
    let mut current = rustix::fs::openat(CWD, if path.is_absolute() { "/" } else { "." }, FOLDER, Mode::empty())?;
    let mut rest: Vec<PathBuf> = parts(path);
    while let Some(part) = rest.pop() {
        let found = rustix::fs::statat(&current, &part, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            current = rustix::fs::openat(&current, &part, FOLDER, Mode::empty())?;
            continue;
        }
        let ours = found.st_uid == 0 || found.st_uid == rustix::process::geteuid().as_raw();
        links += 1;
        if rest.is_empty() || !ours || links > LINKS_MAX {
            let problem = format!("`{}` in the path is a symbolic link: name the folder itself", part.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, problem));
        }
        let target = rustix::fs::readlinkat(&current, &part, Vec::new())?;
        let target = Path::new(OsStr::from_bytes(target.as_bytes()));
        if target.is_absolute() {
            current = rustix::fs::openat(CWD, "/", FOLDER, Mode::empty())?;
        }
        rest.extend(parts(target));
    }
    Ok(current)
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

/// Opens a folder in a folder; creates it for the host's user alone.
pub(super) fn open_or_create(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    open_in(parent, name)
}

/// Opens a folder in a folder.
pub(super) fn open_in(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(parent, name, FOLDER, Mode::empty())?)
}

/// Opens a folder that belongs to the host alone; creates what is missing of its path.
pub(super) fn open_private(path: &Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let folder = open(path)?;
    let found = rustix::fs::fstat(&folder)?;
    let others = Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH);
    if others || found.st_uid != rustix::process::geteuid().as_raw() {
        let problem = format!(
            "{} may be written by other users; use a folder that belongs to the host's user alone",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(folder)
}

/// Names in a folder.
pub(super) fn names(folder: impl AsFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}
