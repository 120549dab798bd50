//! The compiler process: limits itself, compiles one component, exits. It reads no file, no environment, no network.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};

use super::engine::{Purpose, engine};

/// The hidden subcommand of the host's program: `compile-worker MEMORY_BYTES CPU_SECONDS`.
pub const COMPILE_WORKER: &str = "compile-worker";

/// The lowest priority (nice(2)).
const NICENESS: i32 = 19;

/// Exit codes of the child.
pub(super) mod exit {
    /// The component is invalid; the text says why.
    pub(crate) const REFUSED: u8 = 65;
    /// Invalid usage, or a failed system call.
    pub(crate) const BROKEN: u8 = 70;
}

/// Entry point of the hidden subcommand. Call it before anything else: it limits its own process.
#[must_use]
pub fn compile_worker_main() -> ExitCode {
    match bound_process().and_then(|()| read_component()) {
        Err(problem) => fail(exit::BROKEN, &problem),
        Ok(component) => match compile(&component) {
            Err(problem) => fail(exit::REFUSED, &problem),
            Ok(code) => match io::stdout().lock().write_all(&code).and_then(|()| io::stdout().flush()) {
                Err(error) => fail(exit::BROKEN, &format!("cannot return the code: {error}")),
                Ok(()) => ExitCode::SUCCESS,
            },
        },
    }
}

/// Limits memory, time and core dumps, and ends the process together with the host.
fn bound_process() -> Result<(), String> {
    let mut numbers = std::env::args().skip(2).map(|text| text.parse::<u64>());
    let (Some(Ok(memory_bytes)), Some(Ok(cpu_seconds)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        return Err(format!("usage: {COMPILE_WORKER} MEMORY_BYTES CPU_SECONDS; started by the host only"));
    };
    let bounds = [(Resource::As, memory_bytes), (Resource::Cpu, cpu_seconds), (Resource::Core, 0)];
    for (resource, bound) in bounds {
        let limit = Rlimit { current: Some(bound), maximum: Some(bound) };
        setrlimit(resource, limit).map_err(|error| format!("cannot limit {resource:?}: {error}"))?;
    }
    // Deliveries have priority; large components compile in the remaining time.
    nice(NICENESS).map_err(|error| format!("cannot lower the priority: {error}"))?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot tie the process to the host: {error}"))
}

fn read_component() -> Result<Vec<u8>, String> {
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| format!("cannot read the component: {error}"))?;
    Ok(component)
}

fn compile(component: &[u8]) -> Result<Vec<u8>, String> {
    let engine = engine(&Purpose::Compile).map_err(|error| format!("{error:#}"))?;
    engine.precompile_component(component).map_err(|error| format!("{error:#}"))
}

fn fail(code: u8, problem: &str) -> ExitCode {
    // If this fails, there is no one to report it to.
    let _ = writeln!(io::stderr(), "{problem}");
    ExitCode::from(code)
}
