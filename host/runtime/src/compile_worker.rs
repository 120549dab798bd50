//! The compiling child process: bounds itself, compiles one component, ends. Reads no file, no environment, no network.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};

use super::engine::{Purpose, engine};

/// The hidden subcommand of the host's program: `compile-worker MEMORY_BYTES CPU_SECONDS`.
pub const COMPILE_WORKER: &str = "compile-worker";

/// The lowest priority there is (nice(2)).
const NICENESS: i32 = 19;

/// Exit codes of the child.
pub(super) mod exit {
    /// The component is at fault; the text says why.
    pub(crate) const REFUSED: u8 = 65;
    /// Called wrongly, or the system refused something.
    pub(crate) const BROKEN: u8 = 70;
}

/// Body of the hidden subcommand. Call it before anything else starts: it bounds its own process.
#[must_use]
pub fn compile_worker_main() -> ExitCode {
    match bound_process().and_then(|()| read_component()) {
        Err(problem) => fail(exit::BROKEN, &problem),
        Ok(component) => match compile(&component) {
            Err(problem) => fail(exit::REFUSED, &problem),
            Ok(code) => match io::stdout().lock().write_all(&code).and_then(|()| io::stdout().flush()) {
                Err(error) => fail(exit::BROKEN, &format!("cannot hand back the code: {error}")),
                Ok(()) => ExitCode::SUCCESS,
            },
        },
    }
}

/// Memory, time and core dumps, and an end together with the host.
fn bound_process() -> Result<(), String> {
    let mut numbers = std::env::args().skip(2).map(|text| text.parse::<u64>());
    let (Some(Ok(memory_bytes)), Some(Ok(cpu_seconds)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        return Err(format!("usage: {COMPILE_WORKER} MEMORY_BYTES CPU_SECONDS; the host calls it, not a person"));
    };
    let bounds = [(Resource::As, memory_bytes), (Resource::Cpu, cpu_seconds), (Resource::Core, 0)];
    for (resource, bound) in bounds {
        let limit = Rlimit { current: Some(bound), maximum: Some(bound) };
        setrlimit(resource, limit).map_err(|error| format!("cannot bound {resource:?}: {error}"))?;
    }
    // Deliveries come first; a large component is compiled with what they leave.
    nice(NICENESS).map_err(|error| format!("cannot step back: {error}"))?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| format!("cannot follow the host: {error}"))
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
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "{problem}");
    ExitCode::from(code)
}
