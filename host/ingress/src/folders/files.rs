//! Lists and reads the files of a watched folder through its handle. It blocks, follows no link, writes nothing, and
//! knows nothing of events.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

/// Name endings of files that are still being written.
const UNFINISHED: [&str; 7] = [".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~"];

/// Identifies one state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    pub(super) modified_ns: i128,
    /// Detects another file with the same name.
    pub(super) inode: u64,
    /// Names of the file. A second one could be any file that the sender may link to.
    pub(super) links: u64,
}

impl Stamp {
    pub(super) fn of(found: &Stat) -> Self {
        let modified_ns = i128::from(found.st_mtime) * 1_000_000_000 + i128::from(found.st_mtime_nsec);
        Self {
            bytes: u64::try_from(found.st_size).unwrap_or(u64::MAX),
            modified_ns,
            inode: found.st_ino,
            links: found.st_nlink,
        }
    }
}

/// An entry of the folder that matches the pattern.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// Its name as text: what is not UTF-8, and control characters, are replaced.
    pub(super) name: String,
    pub(super) file_name: OsString,
    pub(super) stamp: Stamp,
    pub(super) is_regular: bool,
    /// Why it is refused whatever its content.
    pub(super) refuse: Option<&'static str>,
}

/// The result of reading a file.
pub(super) enum Read {
    /// The bytes of exactly the listed state.
    Complete(Vec<u8>),
    /// Its state has changed.
    Changed,
}

/// A watched folder, opened for one scan.
#[derive(Debug)]
pub(super) struct Folder(handoff_files::Folder);

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(handoff_files::Folder::open(path)?))
    }

    /// Entries with matching names, oldest first.
    pub(super) fn list(&self, pattern: &str) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for file_name in self.0.names()? {
            let text = file_name.to_string_lossy();
            if is_unfinished(&text) || !matches(pattern, &text) {
                continue;
            }
            // If it is gone, the next scan sees the new state.
            let Ok(found) = rustix::fs::statat(self, &file_name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = FileType::from_raw_mode(found.st_mode);
            let refuse = match kind {
                FileType::Directory => continue,
                FileType::RegularFile => None,
                FileType::Symlink => {
                    Some("it is a symbolic link, which could point to any file of the host; drop the file itself")
                }
                _ => Some("it is not a regular file"),
            };
            let name = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            let is_regular = kind == FileType::RegularFile;
            listed.push(Listed { name, stamp: Stamp::of(&found), is_regular, refuse, file_name });
        }
        listed.sort_by(|a, b| (a.stamp.modified_ns, &a.file_name).cmp(&(b.stamp.modified_ns, &b.file_name)));
        Ok(listed)
    }

    /// Reads a file if it has the listed state before and after.
    pub(super) fn read(&self, name: &OsStr, stamp: Stamp, bytes_max: u64) -> io::Result<Read> {
        let file = self.open_file(name)?;
        let found = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile || Stamp::of(&found) != stamp {
            return Ok(Read::Changed);
        }
        let mut data = Vec::new();
        (&file).take(bytes_max.saturating_add(1)).read_to_end(&mut data)?;
        let unchanged = Stamp::of(&rustix::fs::fstat(&file)?) == stamp && u64::try_from(data.len()) == Ok(stamp.bytes);
        Ok(if unchanged { Read::Complete(data) } else { Read::Changed })
    }

    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        // NOFOLLOW and NONBLOCK: the entry may have become a link or a pipe since it was listed.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(self, name, flags, Mode::empty())?))
    }
}

fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with('.') || lower.starts_with("~$") || UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

/// `*` any characters, `?` one; case-insensitive, because many senders' file systems are.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut p, mut n) = (0, 0);
    // Backtracking point after the last `*`: constant memory, no recursion to exhaust.
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), name.get(n)) {
            (Some('*'), _) => {
                back = Some((p + 1, n + 1));
                p += 1;
            }
            (Some(want), Some(have)) if *want == '?' || want == have => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((after_star, next)) => {
                    p = after_star;
                    n = next;
                    back = Some((after_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}
