//! Files in folders that others may write. A folder is opened as a handle, so that what a name means cannot change
//! between a check and its use. No link that a stranger may have placed is followed, and a file is replaced as a whole.
//! It knows nothing of what the files mean.

mod walk;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Mode of a file that everybody may read.
pub const PUBLIC_FILE: u32 = 0o644;
/// Mode of a file that only its owner may read.
pub const PRIVATE_FILE: u32 = 0o600;
/// Mode of a folder that is as open as the umask says: several users may publish into one.
pub const PUBLIC_FOLDER: u32 = 0o777;
/// Mode of a folder that only its owner may use.
pub const PRIVATE_FOLDER: u32 = 0o700;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Reading never waits: the name may have become a pipe.
const READ: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// Attempts to find a free temporary name. Only somebody who guesses random names makes the first one fail.
const NAMES_TRIED_MAX: u32 = 16;

/// An open folder. All methods block.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    /// Opens a folder. Its last component must be the folder itself. A link further up is followed only if root or this
    /// process's own user made it.
    ///
    /// # Errors
    /// The system refuses, or the path contains a link that is not followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        walk::open(path, walk::End::Itself, None)
    }

    /// As [`Folder::open`]; the last component may be such a link, too.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_linked(path: &Path) -> io::Result<Self> {
        walk::open(path, walk::End::OwnLink, None)
    }

    /// As [`Folder::open_linked`]; creates what is missing of the path.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn create(path: &Path, mode: u32) -> io::Result<Self> {
        walk::open(path, walk::End::OwnLink, Some(Mode::from_raw_mode(mode)))
    }

    /// Opens a folder in this one.
    ///
    /// # Errors
    /// The system refuses, or the name is a link.
    pub fn child(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = name.as_ref();
        let opened = rustix::fs::openat(self, name, FOLDER, Mode::empty());
        opened.map(Self).map_err(|error| self.explain(name, error))
    }

    /// Opens a folder in this one; creates it durably if it is missing.
    ///
    /// # Errors
    /// As [`Folder::child`].
    pub fn child_or_create(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Self> {
        match rustix::fs::mkdirat(self, name.as_ref(), Mode::from_raw_mode(mode)) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.child(name)
    }

    /// Names in the folder, unsorted.
    ///
    /// # Errors
    /// The system refuses.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Whether something has this name, a link included.
    ///
    /// # Errors
    /// The system refuses.
    pub fn has(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        match rustix::fs::statat(self, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The first `bytes_max` bytes of a file; none if it does not exist.
    ///
    /// # Errors
    /// The system refuses, or it is a link or not a regular file.
    pub fn read(&self, name: impl AsRef<OsStr>, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open_file(name.as_ref(), READ, Mode::empty()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(u64::try_from(bytes_max).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Writes a new file, syncs it, gives it its name, and syncs the folder: readers see all of it or nothing, also
    /// after a power cut. What had the name, a link included, is replaced and not written to.
    ///
    /// # Errors
    /// The system refuses. The previous file stays.
    pub fn replace(&self, name: impl AsRef<OsStr>, bytes: &[u8], mode: u32) -> io::Result<()> {
        let (mut file, temporary) = self.temporary()?;
        let written = file
            .write_all(bytes)
            // The umask does not decide: who may read the file is part of its meaning.
            .and_then(|()| Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?))
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(rustix::fs::renameat(self, &temporary, self, name.as_ref())?));
        if let Err(error) = written {
            // The first error is reported, not one of the clean-up.
            let _ = rustix::fs::unlinkat(self, &temporary, AtFlags::empty());
            return Err(error);
        }
        self.sync()
    }

    /// Opens an empty file as a lock and waits until no other process holds it. The lock ends when the file is dropped.
    ///
    /// # Errors
    /// The system refuses, or it is a link or not a regular file.
    pub fn lock(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        // Other users who may write here need it, too; the umask decides.
        let file = self.open_file(name.as_ref(), READ | OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o666))?;
        file.lock()?;
        Ok(file)
    }

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// The system refuses.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self)?)
    }

    fn open_file(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<File> {
        let file = rustix::fs::openat(self, name, flags, mode).map_err(|error| self.explain(name, error))?;
        let found = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            let problem = format!("`{}` is not a regular file", name.display());
            return Err(io::Error::new(ErrorKind::InvalidInput, problem));
        }
        Ok(File::from(file))
    }

    fn temporary(&self) -> io::Result<(File, PathBuf)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut tried = 0;
        loop {
            // Seeded with the system's random numbers.
            let name = PathBuf::from(format!(".new-{:016x}", RandomState::new().build_hasher().finish()));
            match rustix::fs::openat(self, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok((File::from(file), name)),
                Err(Errno::EXIST) if tried < NAMES_TRIED_MAX => tried += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The system's word for a link that is not followed does not mention the link.
    fn explain(&self, name: &OsStr, error: Errno) -> io::Error {
        let is_link = matches!(error, Errno::LOOP | Errno::NOTDIR)
            && rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink);
        if is_link { walk::refused(Path::new(name)) } else { error.into() }
    }
}

/// Replaces the file at a path; creates missing folders of the path with `folder_mode`. See [`Folder::replace`].
///
/// # Errors
/// The path has no file name, or as [`Folder::create`] and [`Folder::replace`].
pub fn replace(path: &Path, bytes: &[u8], mode: u32, folder_mode: u32) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the path names no file"))?;
    Folder::create(path.parent().unwrap_or(Path::new("")), folder_mode)?.replace(name, bytes, mode)
}

#[cfg(test)]
mod tests;
