//! What `serve` does before it opens anything: files stay private, the data folder belongs to the host alone, memory can be
//! returned, and there are file descriptors enough.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::CliError;
use handoff_config::Config;

/// More descriptors than one host uses: three listeners of 4,096 connections, and the rest.
const DESCRIPTORS: u64 = 65_536;
/// Group and others may write.
const OTHERS_WRITE: u32 = 0o022;

/// Files that the host creates can be read and written by its own user only, whatever the caller's mask.
pub(super) fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Raises the soft limit of file descriptors as far as the hard limit allows. The limit that shells set, 1,024, is for
/// programs that use `select`.
pub(super) fn raise_descriptor_limit() {
    let before = getrlimit(Resource::Nofile);
    let wanted = before.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    if before.current.is_none_or(|current| current >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: before.maximum }) {
        tracing::warn!(%error, limit = before.current, "the limit of file descriptors cannot be raised");
    }
}

/// Turns transparent huge pages off for this process (prctl(2), `PR_SET_THP_DISABLE`). The allocator asks for them, and a
/// page of 2 MiB is returned to the system only when nothing in it is used: after many swaps that is hardly ever so.
pub(super) fn return_memory_in_small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "transparent huge pages cannot be turned off");
    }
}

/// Refuses a data folder that other users may write, because they could change what the host did and will do.
pub(super) fn refuse_shared_data(config: &Config) -> Result<(), CliError> {
    let Ok(facts) = std::fs::metadata(&config.data) else { return Ok(()) };
    let mode = facts.permissions().mode() & 0o7777;
    if config.allow_shared_data || mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let folder = config.data.display();
    let detail = format!(
        "other users may write the data folder {folder} (mode {mode:04o}): they could change what the host does"
    );
    Err(CliError::invalid(detail).hint(format!("chmod go-w {folder}; or set `allow-shared-data = true` in [host]")))
}
