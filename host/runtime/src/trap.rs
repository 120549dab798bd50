//! Converts the end of a call into a failure with a stable code. It reports what happened and where in the guest's
//! code, never the guest's memory.

use std::collections::BTreeSet;

use wasmtime::{Trap, WasmBacktrace};

use super::meter::{MemoryLimiter, Stop};
use handoff_model::failure::{Failure, host_codes};

/// Maximum number of functions shown of a backtrace.
const FRAMES: usize = 6;
/// Maximum length of a function's name.
const NAME_CHARACTERS: usize = 60;
/// Parts of the names of functions that only propagate a panic.
const PANIC_MACHINERY: [&str; 7] =
    ["panicking", "rust_panic", "__rust_", "panic_abort", "alloc_error", "handle_error", "capacity_overflow"];
/// wasmtime's message when a guest passes more than the host-call fuel. The error type is private to it.
const FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls";

/// The code and message of a failed call.
pub(super) fn failure(error: &wasmtime::Error, memory: &MemoryLimiter, panic_location: Option<&str>) -> Failure {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        let stopped = stopped(stop);
        // The guest has no part in the host's own failures.
        let place = if stopped.is_hosts_own() { String::new() } else { backtrace(error) };
        return Failure { message: stopped.message + &place, ..stopped };
    }
    let mut location = match panic_location {
        Some(location) => format!("; it panicked at {location}"),
        None => String::new(),
    };
    location.push_str(&backtrace(error));
    if let Some(trap) = error.downcast_ref::<Trap>() {
        if *trap == Trap::StackOverflow || fell_off_own_stack(*trap, error) {
            let text =
                format!("the connector's stack overflowed (`limits.call.stack-bytes`): endless recursion?{location}");
            return Failure::retry(host_codes::STACK_OVERFLOW, text);
        }
        if let Some(refused) = &memory.refused {
            return Failure::retry(refused.code, format!("the connector {}, and gave up{location}", refused.text));
        }
        let what = trap.to_string();
        let what = what.trim_start_matches("wasm trap: ");
        if breaks_the_component_model(*trap) {
            let text = format!("the connector broke the rules of the component model: {what}{location}");
            return Failure::retry(host_codes::CONTRACT, text);
        }
        return Failure::retry(host_codes::TRAP, format!("the connector trapped: {what}{location}"));
    }
    let text = error.root_cause().to_string();
    if text.contains(FUEL_EXHAUSTED) {
        let text =
            format!("the connector passed too much data to one import (`limits.call.host-call-bytes`){location}");
        return Failure::retry(host_codes::HOST_CALL_BYTES, text);
    }
    if let Some(refused) = &memory.refused {
        return Failure::retry(refused.code, format!("the connector {}{location}", refused.text));
    }
    // The rest are violations of the component model (invalid strings, lists out of bounds): the guest's fault.
    let text: String = text.chars().take(200).collect();
    Failure::retry(
        host_codes::CONTRACT,
        format!("the connector broke the rules of the component model: {text}{location}"),
    )
}

/// Traps that the engine raises between guest and host, not inside the guest's code.
fn breaks_the_component_model(trap: Trap) -> bool {
    matches!(
        trap,
        Trap::CannotEnterComponent
            | Trap::CannotLeaveComponent
            | Trap::InvalidChar
            | Trap::InvalidDiscriminant
            | Trap::ListOutOfBounds
            | Trap::StringOutOfBounds
            | Trap::UnalignedPointer
    )
}

/// The instance could not be created.
pub(super) fn instantiation(error: &wasmtime::Error, memory: &MemoryLimiter) -> Failure {
    if error.downcast_ref::<Stop>().is_some() {
        return failure(error, memory, None);
    }
    let cause: String = error.root_cause().to_string().chars().take(200).collect();
    let refused = memory.refused.as_ref().map_or_else(String::new, |refused| format!("; it {}", refused.text));
    let text = format!("the connector does not start: {cause}{refused}{}", backtrace(error));
    Failure::retry(host_codes::INSTANTIATION, text)
}

/// A failure of a call that the host ended.
pub(super) fn stopped(stop: &Stop) -> Failure {
    match stop {
        Stop::Deadline { .. } => Failure::retry(
            host_codes::DEADLINE,
            format!("{stop} (`limits.call.deadline-ms`): an endless loop, too much work, or a slow look-up"),
        ),
        Stop::HostCalls { .. } => Failure::retry(host_codes::HOST_CALLS, format!("{stop} (`limits.call.host-calls`)")),
        Stop::Random { .. } => Failure::retry(host_codes::RANDOM, format!("{stop} (`limits.call.random-bytes`)")),
        Stop::StateRead(_) => Failure::retry(host_codes::STATE_READ, stop.to_string()),
    }
}

/// `; in a, called by b (3 times), called by c`, or nothing if no function has a name.
fn backtrace(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let mut names: Vec<(String, u32)> = Vec::new();
    for name in backtrace.frames().iter().filter_map(|frame| frame.func_name()).map(short_name) {
        if PANIC_MACHINERY.iter().any(|part| name.contains(part)) {
            continue;
        }
        if let Some((_, times)) = names.last_mut().filter(|(last, _)| *last == name) {
            *times += 1;
        } else if names.len() < FRAMES {
            names.push((name, 1));
        } else {
            break;
        }
    }
    let shown = names.into_iter().map(|(name, times)| if times > 1 { format!("{name} ({times} times)") } else { name });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::new() } else { format!("; in {}", shown.join(", called by ")) }
}

/// Whether an access out of bounds came from endless recursion. Languages with their own stack at the low end of linear
/// memory exhaust it first, and run past the end of memory instead of the WebAssembly stack.
fn fell_off_own_stack(trap: Trap, error: &wasmtime::Error) -> bool {
    /// The engine captures twenty frames at most; endless recursion fills them with very few functions.
    const DEEP: usize = 15;
    const FEW: usize = 4;
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return false };
    let functions: BTreeSet<u32> = backtrace.frames().iter().map(wasmtime::FrameInfo::func_index).collect();
    trap == Trap::MemoryOutOfBounds && backtrace.frames().len() >= DEEP && functions.len() <= FEW
}

/// A function's name without its hash and most of its modules. The guest chose it: only printable ASCII is kept.
fn short_name(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let mut short = name.as_str();
    // Generic arguments contain paths of their own: shorten only a plain path.
    if !name.contains('<') {
        let starts: Vec<usize> = name.match_indices("::").map(|(at, _)| at + 2).collect();
        if let Some(start) = starts.len().checked_sub(2).and_then(|index| starts.get(index)) {
            short = name.get(*start..).unwrap_or(short);
        }
    }
    short.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(NAME_CHARACTERS).collect()
}
