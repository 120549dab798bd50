//! Controls a preloaded shim from outside: the watched folder and its faults.
//!
//! `HANDOFF_SHIM_ROOT` is the folder (it must exist), `HANDOFF_SHIM_FAULTS` a file with the current faults of its disk.
//! The file is read before each change; its words: `full`, `read-only`, `failing-sync` (one sync fails, the next
//! succeed), `dying=N` (N changes succeed, then the process is killed as by `kill -9`), optionally followed by
//! `only=PART` of a path. Missing or empty: no faults.

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::faults::Faults;
use crate::watch::{Shared, Watch};

struct Control {
    file: CString,
    last: Mutex<String>,
    watch: Watch,
}

static CONTROL: OnceLock<Option<Control>> = OnceLock::new();

/// Called once before the program's `main`, when preloaded.
pub(crate) fn start(root: &CStr, file: &CStr) {
    let Ok(root) = PathBuf::from(root.to_string_lossy().into_owned()).canonicalize() else { return };
    let Ok((_, paths)) = crate::disk::Disk::read(&root) else { return };
    // Nothing is recorded: the process may run for long.
    let watch = Watch::start(root, paths, None);
    drop(CONTROL.set(Some(Control { file: file.to_owned(), last: Mutex::default(), watch })));
}

/// Applies the control file if it has changed. Otherwise faults with a countdown continue counting.
pub(crate) fn refresh(shared: &Shared, read: impl FnOnce(&CStr) -> String) {
    let Some(Some(control)) = CONTROL.get() else { return };
    let text = read(&control.file);
    let mut last = control.last.lock().unwrap_or_else(PoisonError::into_inner);
    if *last != text {
        shared.state().faults = parse(&text);
        *last = text;
    }
    // The watch lives as long as the process.
    let _: &Watch = &control.watch;
}

fn parse(text: &str) -> Faults {
    let mut faults = Faults::default();
    for word in text.split_whitespace() {
        match word {
            "full" => faults.room = Some(0),
            "read-only" => faults.read_only = true,
            "failing-sync" => faults.failing_sync = Some(0),
            word => match word.split_once('=') {
                Some(("dying", calls)) => faults.dying_call = calls.parse().ok(),
                Some(("only", part)) => faults.only = part.to_owned(),
                _ => {}
            },
        }
    }
    faults
}
