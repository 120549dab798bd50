//! Resources of a process, read from `/proc`: resident memory, open files, threads.

use std::fs;

/// One measurement of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) resident_kib: u64,
    pub(crate) files: usize,
    pub(crate) threads: usize,
}

impl Reading {
    pub(crate) fn of_this_process() -> Self {
        let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
        let field = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).expect("the kernel says it");
            line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
        };
        Self {
            resident_kib: field("VmRSS:"),
            files: fs::read_dir("/proc/self/fd").expect("listed").count(),
            threads: fs::read_dir("/proc/self/task").expect("listed").count(),
        }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} KiB resident, {} files, {} threads", self.resident_kib, self.files, self.threads)
    }
}
