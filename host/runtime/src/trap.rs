//! Turns whatever ended a call into a failure with a stable code. Says what happened and where in the guest's code;
//! never shows the guest's memory.

use std::collections::BTreeSet;

use wasmtime::{Trap, WasmBacktrace};

use super::meter::{MemoryLimiter, Stop};
use handoff_model::failure::{Failure, host_codes};

/// Functions of a backtrace that are named.
const FRAMES: usize = 6;
/// Characters of a function's name that are shown.
const NAME_CHARACTERS: usize = 60;
/// Parts of the names of functions that only carry a panic: they say nothing.
const PANIC_MACHINERY: [&str; 7] =
    ["panicking", "rust_panic", "__rust_", "panic_abort", "alloc_error", "handle_error", "capacity_overflow"];
/// What wasmtime says when a guest passes more than the host-call fuel. The error's type is private to it.
const FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls";

/// What the failure of a call is called and says.
pub(super) fn failure(error: &wasmtime::Error, memory: &MemoryLimiter, panic_place: Option<&str>) -> Failure {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stopped(stop);
    }
    let mut place = match panic_place {
        Some(place) => format!("; it panicked at {place}"),
        None => String::new(),
    };
    place.push_str(&backtrace(error));
    if let Some(trap) = error.downcast_ref::<Trap>() {
        if *trap == Trap::StackOverflow || fell_off_own_stack(*trap, error) {
            let text =
                format!("the connector's stack is used up (`limits.call.stack-bytes`): endless recursion?{place}");
            return Failure::retry(host_codes::STACK_OVERFLOW, text);
        }
        if let Some(refused) = &memory.refused {
            return Failure::retry(refused.code, format!("the connector {}, and gave up{place}", refused.text));
        }
        let what = trap.to_string();
        let what = what.trim_start_matches("wasm trap: ");
        if breaks_the_component_model(*trap) {
            let text = format!("the connector broke the rules of the component model: {what}{place}");
            return Failure::retry(host_codes::CONTRACT, text);
        }
        return Failure::retry(host_codes::TRAP, format!("the connector trapped: {what}{place}"));
    }
    let text = error.root_cause().to_string();
    if text.contains(FUEL_EXHAUSTED) {
        let text = format!("the connector passed too much data to one import (`limits.call.host-call-bytes`){place}");
        return Failure::retry(host_codes::HOST_CALL_BYTES, text);
    }
    if let Some(refused) = &memory.refused {
        return Failure::retry(refused.code, format!("the connector {}{place}", refused.text));
    }
    // What is left are breaches of the component model's rules (bad strings, lists out of bounds): the guest's fault.
    let text: String = text.chars().take(200).collect();
    Failure::retry(host_codes::CONTRACT, format!("the connector broke the rules of the component model: {text}{place}"))
}

/// Traps that the engine makes between guest and host, not inside the guest's own code.
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

/// The instance never started.
pub(super) fn instantiation(error: &wasmtime::Error, memory: &MemoryLimiter) -> Failure {
    if error.downcast_ref::<Stop>().is_some() {
        return failure(error, memory, None);
    }
    let cause: String = error.root_cause().to_string().chars().take(200).collect();
    let refused = memory.refused.as_ref().map_or_else(String::new, |refused| format!("; it {}", refused.text));
    let text = format!("the connector does not start: {cause}{refused}{}", backtrace(error));
    Failure::retry(host_codes::INSTANTIATION, text)
}

/// A failure for a call that the host ended.
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

/// True if an access out of bounds came from endless recursion. Languages that keep a stack of their own at the low end
/// of linear memory run out of that first, and fall off memory's end instead of the WebAssembly stack's.
fn fell_off_own_stack(trap: Trap, error: &wasmtime::Error) -> bool {
    /// The engine captures twenty frames at most; endless recursion fills them with very few functions.
    const DEEP: usize = 15;
    const FEW: usize = 4;
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return false };
    let functions: BTreeSet<u32> = backtrace.frames().iter().map(wasmtime::FrameInfo::func_index).collect();
    trap == Trap::MemoryOutOfBounds && backtrace.frames().len() >= DEEP && functions.len() <= FEW
}

/// A function's name without its hash and without all but the last modules. The guest chose it: only printable ASCII
/// stays.
fn short_name(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let mut short = name.as_str();
    // Generic arguments hold paths of their own: only a plain path is shortened.
    if !name.contains('<') {
        let starts: Vec<usize> = name.match_indices("::").map(|(at, _)| at + 2).collect();
        if let Some(start) = starts.len().checked_sub(2).and_then(|index| starts.get(index)) {
            short = name.get(*start..).unwrap_or(short);
        }
    }
    short.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(NAME_CHARACTERS).collect()
}
