//! Lists, reads and moves files of a watched folder. It blocks, follows no symlinks, and knows nothing of events.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rustix::fs::{Mode, OFlags};

/// Name endings of files that are still being written.
const UNFINISHED: [&str; 7] = [".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~"];

/// Identifies one state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    pub(super) modified_ns: i128,
    /// Detects another file with the same name.
    inode: u64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { bytes: metadata.len(), modified_ns, inode: metadata.ino() }
    }
}

/// An entry of the folder that matches the pattern.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) stamp: Stamp,
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

/// Entries with matching names, oldest first.
pub(super) fn list(folder: &Path, pattern: &str) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A name that is not UTF-8 cannot be a subject, and no pattern can match it.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_unfinished(&name) || !matches(pattern, &name) {
            continue;
        }
        // Does not follow symlinks. If it is gone, the next scan sees the new state.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            continue;
        }
        let refuse = if metadata.is_symlink() {
            Some("it is a symbolic link, which could point to any file of the host; drop the file itself")
        } else if !metadata.is_file() {
            Some("it is not a regular file")
        } else {
            None
        };
        listed.push(Listed { name, stamp: Stamp::of(&metadata), refuse });
    }
    listed.sort_by(|a, b| (a.stamp.modified_ns, &a.name).cmp(&(b.stamp.modified_ns, &b.name)));
    Ok(listed)
}

/// Reads a file if it has the listed state before and after.
pub(super) fn read(path: &Path, stamp: Stamp, bytes_max: u64) -> io::Result<Read> {
    // NOFOLLOW and NONBLOCK: the entry may have become a link or a pipe since it was listed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || Stamp::of(&metadata) != stamp {
        return Ok(Read::Changed);
    }
    let mut data = Vec::new();
    (&file).take(bytes_max.saturating_add(1)).read_to_end(&mut data)?;
    let unchanged = Stamp::of(&file.metadata()?) == stamp && u64::try_from(data.len()) == Ok(stamp.bytes);
    Ok(if unchanged { Read::Complete(data) } else { Read::Changed })
}

/// Moves a file into a folder, with another name if its own is taken. Only this scanner writes there, so there is no
/// race between check and move.
pub(super) fn move_into(folder: &Path, name: &str, target: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(target)?;
    let mut path = target.join(name);
    for number in 1_u32.. {
        if path.symlink_metadata().is_err() {
            break;
        }
        path = target.join(format!("{name}.{number}"));
    }
    fs::rename(folder.join(name), &path)?;
    Ok(path)
}

/// Moves a file to `refused/` and writes the reason beside it.
pub(super) fn refuse(folder: &Path, name: &str, reason: &str) -> io::Result<()> {
    let path = move_into(folder, name, &folder.join("refused"))?;
    let mut note = path.into_os_string();
    note.push(".reason.txt");
    fs::write(note, format!("{name} was refused: {reason}\n"))
}

/// Removes day folders of `done/` before a date. Anything else there is not ours.
pub(super) fn drop_days_before(done: &Path, oldest: NaiveDate) -> io::Result<()> {
    let entries = match fs::read_dir(done) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let day = entry.file_name().to_str().and_then(|name| NaiveDate::parse_from_str(name, "%Y-%m-%d").ok());
        if day.is_some_and(|day| day < oldest) && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
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
