//! The machine of the measurements. It reports only what affects speed, not its identity.

use std::fs;

/// Cores, memory, kernel, file system and load, as one line.
pub(crate) fn facts() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = line_of("/proc/meminfo", "MemTotal").unwrap_or_default();
    let gib = memory.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // The rest of the version is the builder's suffix.
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!(
        "{cores} cores ({model}), {gib} GiB memory, Linux {kernel}, data on {}, load average {load} before the first run.",
        file_system()
    )
}

fn line_of(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The file system type of the hosts' data folders.
fn file_system() -> String {
    let folder = fs::canonicalize(std::env::temp_dir()).unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let over = fields.filter(|fields| fields.get(1).is_some_and(|place| folder.starts_with(place)));
    let nearest = over.max_by_key(|fields| fields.get(1).map_or(0, |place| place.len()));
    nearest.and_then(|fields| fields.get(2).map(|kind| (*kind).to_owned())).unwrap_or_else(|| "unknown".to_owned())
}

/// Seconds of processor time of a process, all threads included. The kernel counts in hundredths.
///
/// # Panics
/// If the process has exited.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    // proc_pid_stat(5): utime and stime are fields 14 and 15; the name before them may contain anything but ends with
    // `)`.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}

/// Resident memory of a process in KiB: total, and private.
///
/// # Panics
/// If the process has exited.
pub(crate) fn resident_kib(pid: u32) -> (f64, f64) {
    let path = format!("/proc/{pid}/status");
    let read = |key: &str| {
        let line = line_of(&path, key).unwrap_or_else(|| panic!("{path} has no {key}: has the host exited?"));
        line.trim_end_matches("kB").trim().parse::<f64>().expect("a number of KiB")
    };
    (read("VmRSS"), read("RssAnon"))
}
