//! Checks the limits of this user (open files, address space) and the tools for building connectors.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::style::size;
use handoff_model::limits::RuntimeLimits;

/// Enough for sockets of ingress and outbox, segments of the journal, and files of the store.
const OPEN_FILES_GOOD: u64 = 4096;
const OPEN_FILES_LEAST: u64 = 512;
/// Address space that the pooling allocator may reserve per memory: 4 GiB for a 32-bit memory, and as much for guards.
const MEMORY_ADDRESS_BYTES: u64 = 8 << 30;
/// Memories that a large instance may have.
const LARGE_INSTANCE_MEMORIES: u64 = 8;

pub(super) fn open_files() -> Finding {
    const NAME: &str = "open files";
    const ADVICE: &str = "raise it: LimitNOFILE=65536 in the systemd unit, or `ulimit -n 65536`";
    match getrlimit(Resource::Nofile).current {
        None => Finding::ok(NAME, "no bound"),
        Some(bound @ ..OPEN_FILES_LEAST) => Finding::fail(NAME, format!("at most {bound}"), ADVICE),
        Some(bound @ OPEN_FILES_LEAST..OPEN_FILES_GOOD) => Finding::warn(NAME, format!("at most {bound}"), ADVICE),
        Some(bound) => Finding::ok(NAME, format!("at most {bound}")),
    }
}

/// Instances come from a pool of reserved addresses: it reserves much and uses little.
pub(super) fn address_space(limits: &RuntimeLimits) -> Finding {
    const NAME: &str = "address space";
    let instances = u64::from(limits.instances).saturating_add(limits.large_instances.into());
    let large = u64::from(limits.large_instances).saturating_mul(LARGE_INSTANCE_MEMORIES);
    let needed = large.saturating_add(limits.instances.into()).saturating_mul(MEMORY_ADDRESS_BYTES);
    if let Some(bound) = getrlimit(Resource::As).current
        && bound < needed
    {
        let found = format!("at most {}; a pool of {instances} instances reserves up to {}", size(bound), size(needed));
        return Finding::fail(NAME, found, "remove the bound: `ulimit -v unlimited`, no LimitAS in the systemd unit");
    }
    // With 2, the kernel refuses reservations beyond memory and swap (proc_sys_vm(5)).
    let overcommit = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
    if overcommit.trim() == "2" {
        let found = "vm.overcommit_memory is 2: the system refuses large reservations";
        return Finding::warn(
            NAME,
            found,
            "set vm.overcommit_memory to 0, or lower [limits.runtime] instances and large-instances",
        );
    }
    Finding::ok(NAME, format!("enough for {instances} instances"))
}

/// Only `handoff build` needs it: a host works without it.
pub(super) fn toolchain() -> Finding {
    const NAME: &str = "build tools";
    match handoff_build::Toolchain::find(Path::new(".")) {
        Ok(toolchain) => Finding::ok(NAME, toolchain.describe()),
        Err(error) => {
            let advice = match error {
                handoff_build::BuildError::NoToolchain { command } => command.to_owned(),
                error => error.to_string(),
            };
            Finding::warn(NAME, "no Rust for wasm32 (only `handoff build` needs it)", advice)
        }
    }
}
