//! Checks the data folder: whether it is writable, has space, syncs writes to the disk, and has plausible times.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::Finding;
use crate::style::{duration, size, span};

/// With less free space, a host soon refuses events.
const FREE_BYTES_LEAST: u64 = 1 << 30;
/// With less free space, retention has to be short.
const FREE_BYTES_GOOD: u64 = 10 << 30;
/// No disk syncs a write faster. A faster sync means that data stays in memory.
const SYNC_PLAUSIBLE: Duration = Duration::from_micros(15);
/// With slower syncs, acknowledgements are noticeably delayed.
const SYNC_SLOW: Duration = Duration::from_millis(30);
/// Number of synced writes to time.
const SYNCS: usize = 16;
/// Maximum difference between file times and the clock.
const CLOCK_APART: Duration = Duration::from_secs(5);
/// File system types (statfs(2)) that lose all data at power loss, or do not lock and sync like a disk.
const TMPFS: i128 = 0x0102_1994;
const RAMFS: i128 = 0x8584_58f6;
const NFS: i128 = 0x6969;

/// Checks the folder, or the folder in which it would be created.
pub(super) fn look(data: &Path) -> Vec<Finding> {
    let exists = data.is_dir();
    let Some(folder) = nearest(data) else {
        let found = format!("neither {} nor a folder above it exists", data.display());
        return vec![Finding::fail("data folder", found, "set [host] data to a folder on a local disk")];
    };
    let mut findings = match timed_writes(&folder) {
        Err(error) => {
            let advice = "let the host's user own the folder, or set [host] data to another";
            return vec![Finding::fail(
                "data folder",
                format!("cannot write in {}: {error}", folder.display()),
                advice,
            )];
        }
        Ok(timed) => {
            let found = if exists { data.display().to_string() } else { format!("{} will be made", data.display()) };
            vec![Finding::ok("data folder", found), disk(&folder, timed.median), clock(data, timed.written)]
        }
    };
    findings.insert(1, space(&folder));
    findings
}

struct Timed {
    /// The median duration of a synced write.
    median: Duration,
    /// The time of the last write according to the file system.
    written: Option<SystemTime>,
}

/// Writes like the journal: append, then fdatasync. Removes the file afterwards, even after an error.
fn timed_writes(folder: &Path) -> std::io::Result<Timed> {
    let mut file: tempfile::NamedTempFile = tempfile::Builder::new().prefix(".handoff-doctor-").tempfile_in(folder)?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.as_file().sync_data()?;
        took.push(start.elapsed());
    }
    let written = file.as_file().metadata()?.modified().ok();
    // A rename is only durable after a sync of its folder.
    File::open(folder)?.sync_all()?;
    took.sort_unstable();
    Ok(Timed { median: took.get(SYNCS / 2).copied().unwrap_or_default(), written })
}

fn disk(folder: &Path, median: Duration) -> Finding {
    const NAME: &str = "durable writes";
    let kind = rustix::fs::statfs(folder).map(|stat| i128::from(stat.f_type)).unwrap_or_default();
    let took = duration(median.as_secs_f64() * 1000.0);
    match kind {
        TMPFS | RAMFS => Finding::fail(
            NAME,
            format!("{} is in memory: a power loss takes everything", folder.display()),
            "use a folder on a disk",
        ),
        NFS => Finding::warn(
            NAME,
            format!("{} is a network file system; a synced write takes {took}", folder.display()),
            "use a local disk: locks and syncs over the network are not always kept",
        ),
        _ if median < SYNC_PLAUSIBLE => Finding::warn(
            NAME,
            format!("a synced write takes {} µs, less than any disk needs", median.as_micros()),
            "make sure that the disk or the virtual machine does not ignore flushes",
        ),
        _ if median > SYNC_SLOW => Finding::warn(
            NAME,
            format!("a synced write takes {took}"),
            "use a faster disk: each acknowledgement waits for one",
        ),
        _ => Finding::ok(NAME, format!("a synced write takes {took}")),
    }
}

fn space(folder: &Path) -> Finding {
    const NAME: &str = "free space";
    match rustix::fs::statvfs(folder) {
        Err(error) => Finding::skip(NAME, format!("cannot ask: {error}")),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = size(free);
            match free {
                ..FREE_BYTES_LEAST => Finding::fail(NAME, found, "make room: at least 1 GiB, better 10"),
                FREE_BYTES_LEAST..FREE_BYTES_GOOD => {
                    Finding::warn(NAME, found, "make room, or lower [retention] bytes below what is free")
                }
                _ => Finding::ok(NAME, found),
            }
        }
    }
}

/// Timers, token lifetimes and webhook signatures depend on the clock.
#[expect(clippy::disallowed_methods, reason = "shows the machine's time zone to people; decides nothing")]
fn clock(data: &Path, written: Option<SystemTime>) -> Finding {
    const NAME: &str = "clock";
    let now = SystemTime::now();
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // 2026-01-01 and 2100-01-01.
    if !(1_767_225_600..4_102_444_800).contains(&since_1970.as_secs()) {
        return Finding::fail(NAME, "it is not in this century's present", "set the clock, and keep it with NTP");
    }
    let apart =
        written.map(|written| now.duration_since(written).unwrap_or_else(|early| early.duration())).unwrap_or_default();
    if apart > CLOCK_APART {
        let found = format!("clock and file system are {} apart", span(millis(apart)));
        return Finding::warn(NAME, found, "keep both machines' clocks with NTP");
    }
    let newest = newest(data).and_then(|newest| newest.duration_since(now).ok()).unwrap_or_default();
    if newest > CLOCK_APART {
        let found =
            format!("files of the store are from {} in the future: the clock was put back", span(millis(newest)));
        return Finding::warn(
            NAME,
            found,
            "check the clock before you start the host: timers wait until it catches up",
        );
    }
    Finding::ok(NAME, chrono::Local::now().format("%Y-%m-%d %H:%M:%S %:z").to_string())
}

fn newest(data: &Path) -> Option<SystemTime> {
    fs::read_dir(data).ok()?.flatten().take(1000).filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()
}

fn nearest(data: &Path) -> Option<PathBuf> {
    let data = std::path::absolute(data).ok()?;
    data.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
