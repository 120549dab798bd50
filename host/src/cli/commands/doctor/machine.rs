//! What the system allows this user: open files, address space; and the tools to build connectors.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::cli::style::size;
use crate::model::limits::RuntimeLimits;

/// Sockets of the ingress and the outbox, segments of the journal, files of the store.
const OPEN_FILES_GOOD: u64 = 4096;
const OPEN_FILES_LEAST: u64 = 512;
/// What the pooling allocator may reserve for an instance: 4 GiB for a 32-bit memory, as much again for guards.
const INSTANCE_ADDRESS_BYTES: u64 = 8 << 30;
/// A compiler that answers its version in more is not usable.
const TOOL_TIMEOUT: Duration = Duration::from_secs(10);

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

/// Instances come from a pool of reserved addresses: much is reserved, little is used.
pub(super) fn address_space() -> Finding {
    const NAME: &str = "address space";
    let instances = u64::from(RuntimeLimits::default().instances);
    let needed = instances.saturating_mul(INSTANCE_ADDRESS_BYTES);
    if let Some(bound) = getrlimit(Resource::As).current
        && bound < needed
    {
        let found = format!("at most {}; a pool of {instances} instances reserves up to {}", size(bound), size(needed));
        return Finding::fail(NAME, found, "remove the bound: `ulimit -v unlimited`, no LimitAS in the systemd unit");
    }
    // 2 refuses reservations beyond memory and swap (proc_sys_vm(5)).
    let overcommit = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
    if overcommit.trim() == "2" {
        let found = "vm.overcommit_memory is 2: the system refuses large reservations";
        return Finding::warn(NAME, found, "set vm.overcommit_memory to 0, or lower [limits.runtime] instances");
    }
    Finding::ok(NAME, format!("enough for {instances} instances"))
}

/// Only `handoff build` needs it: a host without is fine.
pub(super) async fn toolchain() -> Finding {
    const NAME: &str = "build tools";
    let absent = |found: String| {
        Finding::warn(
            NAME,
            found,
            "only `handoff build` needs it: install Rust (rustup.rs), then `rustup target add wasm32-unknown-unknown`",
        )
    };
    let Some(version) = rustc(&["--version"]).await else {
        return absent("there is no rustc".to_owned());
    };
    let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    match rustc(&["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]).await {
        Some(folder) if Path::new(folder.trim()).is_dir() => {
            Finding::ok(NAME, format!("{version} with wasm32-unknown-unknown"))
        }
        _ => absent(format!("{version} without the target wasm32-unknown-unknown")),
    }
}

async fn rustc(arguments: &[&str]) -> Option<String> {
    let run = tokio::process::Command::new("rustc").args(arguments).kill_on_drop(true).output();
    let output: Output = tokio::time::timeout(TOOL_TIMEOUT, run).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
