//! What stands in for the runtime when fuzzing: the reading of a component before it is compiled, and no wasmtime. Compiled
//! with `--cfg fuzzing` only.

#[path = "error.rs"]
mod error;
#[path = "inspect.rs"]
mod inspect;

pub use error::RuntimeError;

/// Refuses what is no connector, under the default limits.
pub fn check(component: &[u8]) -> Result<(), RuntimeError> {
    inspect::check(component, &crate::model::limits::CallLimits::default())
}
