//! Keeps the files that were taken or refused, in a folder that belongs to the host alone. It decides nothing about a
//! file. Everything goes through handles of folders, and nothing that exists is overwritten.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use chrono::NaiveDate;
use handoff_files::{Folder as Directory, PRIVATE_FOLDER};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::files::{Folder, Listed, Stamp};

/// The longest file name (NAME_MAX).
const NAME_BYTES_MAX: usize = 255;
/// Files with the same name on one day.
const SAME_NAME_MAX: u32 = 100_000;
/// Largest refused file that is copied to another file system: a stranger must not fill the host's disk.
const COPY_BYTES_MAX: u64 = 64 << 20;
const REASON_ENDING: &str = ".reason.txt";

/// Where the files of one watched folder are kept.
#[derive(Debug)]
pub(super) struct Archive(Directory);

impl Archive {
    /// Opens the folder, which must belong to the host alone; creates it with mode 0700.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path)?;
        let folder = Directory::open(path)?;
        let found = rustix::fs::fstat(&folder)?;
        let others = Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        if others || found.st_uid != rustix::process::geteuid().as_raw() {
            let problem = format!(
                "{} may be written by other users; use a folder that belongs to the host's user alone",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
        Ok(Self(folder))
    }

    /// Moves a delivered file to `done/` of a day.
    pub(super) fn keep(&self, from: &Folder, file: &Listed, day: NaiveDate) -> io::Result<()> {
        let done = self.0.child_or_create("done", PRIVATE_FOLDER)?;
        let day = done.child_or_create(day.to_string(), PRIVATE_FOLDER)?;
        let kept = transfer(from, file, &day)?;
        // Another file may have taken the name since it was read: that one was not delivered.
        let inode = |stamp: Stamp| stamp.inode;
        if kept.moved && inode(stamp_of(&day, &kept.name)?) != inode(file.stamp) {
            rename_new(&day, &kept.name, from, &file.file_name).map_err(|error| {
                let name = kept.name.display();
                io::Error::other(format!("another file took its name and is now `{name}` in `done`: {error}"))
            })?;
        }
        Ok(())
    }

    /// Moves a file to `refused/` and writes the reason beside it.
    pub(super) fn refuse(&self, from: &Folder, file: &Listed, reason: &str) -> io::Result<()> {
        let refused = self.0.child_or_create("refused", PRIVATE_FOLDER)?;
        let kept = transfer(from, file, &refused)?;
        let text = format!("{} was refused: {reason}\n", file.name);
        create(&refused, &kept.name, REASON_ENDING, &mut text.as_bytes()).map(drop)
    }

    /// Removes day folders of `done/` before a date. Anything else there is not ours.
    pub(super) fn drop_days_before(&self, oldest: NaiveDate) -> io::Result<()> {
        let done = match self.0.child("done") {
            Ok(done) => done,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for day in done.names()? {
            let date = day.to_str().and_then(|name| NaiveDate::parse_from_str(name, "%Y-%m-%d").ok());
            if date.is_none_or(|date| date >= oldest) {
                continue;
            }
            // Not a folder, or one with folders in it: the host did not make it.
            let Ok(folder) = done.child(&day) else { continue };
            for name in folder.names()? {
                rustix::fs::unlinkat(&folder, &name, AtFlags::empty())?;
            }
            rustix::fs::unlinkat(&done, &day, AtFlags::REMOVEDIR)?;
        }
        Ok(())
    }
}

/// A file in the archive.
struct Kept {
    name: OsString,
    /// Moved, not copied: it is the file that the sender wrote, with all that the sender still appends.
    moved: bool,
}

/// Moves a file, or copies and removes it if the archive is on another file system.
fn transfer(from: &Folder, file: &Listed, to: &Directory) -> io::Result<Kept> {
    for number in 0..SAME_NAME_MAX {
        let name = numbered(&file.file_name, number, REASON_ENDING.len());
        match rename_new(from, &file.file_name, to, &name) {
            Ok(()) => {
                restrict(to, &name);
                return Ok(Kept { name, moved: true });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return copy(from, file, to),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many files have this name"))
}

fn copy(from: &Folder, file: &Listed, to: &Directory) -> io::Result<Kept> {
    let name = if file.is_regular {
        if file.stamp.bytes > COPY_BYTES_MAX {
            let problem = format!("it has more than {COPY_BYTES_MAX} bytes and is on another file system: remove it");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        let source = from.open_file(&file.file_name)?;
        create(to, &file.file_name, "", &mut source.take(COPY_BYTES_MAX))?
    } else {
        // A link or a pipe has no content to keep: the reason beside it says what it was.
        file.file_name.clone()
    };
    if stamp_of(from, &file.file_name)? != file.stamp {
        return Err(io::Error::other("it changed while it was copied"));
    }
    rustix::fs::unlinkat(from, &file.file_name, AtFlags::empty())?;
    Ok(Kept { name, moved: false })
}

/// Writes a new file that only the host's user can read, under the first free name.
fn create(folder: &Directory, name: &OsStr, ending: &str, content: &mut dyn io::Read) -> io::Result<OsString> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for number in 0..SAME_NAME_MAX {
        let mut name = numbered(name, number, REASON_ENDING.len());
        name.push(ending);
        match rustix::fs::openat(folder, &name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                let mut file = File::from(file);
                io::copy(content, &mut file)?;
                file.flush()?;
                file.sync_all()?;
                return Ok(name);
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("too many files have this name"))
}

/// Renames without replacing anything.
fn rename_new(from: impl AsFd, name: &OsStr, to: impl AsFd, target: &OsStr) -> io::Result<()> {
    match rustix::fs::renameat_with(&from, name, &to, target, RenameFlags::NOREPLACE) {
        // Some network file systems cannot do both in one step. Only the host writes at the target.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match rustix::fs::statat(&to, target, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(Errno::NOENT) => Ok(rustix::fs::renameat(from, name, to, target)?),
                Err(error) => Err(error.into()),
            }
        }
        done => Ok(done?),
    }
}

/// Takes the file from other users, as far as this user may: its owner is often the sender's. A file with another name
/// is left alone: its rights may be those of a file outside the folder.
fn restrict(folder: &Directory, name: &OsStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { return };
    let is_own = rustix::fs::fstat(&file)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink == 1);
    if is_own {
        let _ = rustix::fs::fchmod(file, Mode::RUSR | Mode::WUSR);
    }
}

fn stamp_of(folder: impl AsFd, name: &OsStr) -> io::Result<Stamp> {
    Ok(Stamp::of(&rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?))
}

/// The name, shortened to leave room for an ending, with a number if its own is taken.
fn numbered(name: &OsStr, number: u32, room: usize) -> OsString {
    let suffix = if number == 0 { String::new() } else { format!(".{number}") };
    let most = NAME_BYTES_MAX - room - suffix.len();
    let bytes = name.as_bytes();
    let mut end = most.min(bytes.len());
    // Not in the middle of a character.
    while end < bytes.len() && bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    let mut short = OsStr::from_bytes(bytes.get(..end).unwrap_or(bytes)).to_owned();
    short.push(suffix);
    short
}
