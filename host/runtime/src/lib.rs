//! Runs connectors: turns a component into prepared code and one call into effects or a failure.
//!
//! Everything that names wasmtime lives in this crate. It stores nothing, sends nothing and knows no queue:
//! effects are handed back as data, look-ups and state reads go through the traits that the caller gives.
//!
//! One call is one fresh instance in one store that nobody else touches. Whatever ends a call (a result, a trap, the
//! deadline, a dropped future), its store is discarded.

mod bindings;
mod cache;
mod call;
mod compile_worker;
mod compiler;
mod context;
mod convert;
mod engine;
mod error;
mod host_state;
mod http;
mod log;
mod meter;
mod metrics;
mod outbox;
mod prepare;
mod state;
mod trap;

/// The version of the contract `handoff:connector` that this host offers.
pub const INTERFACE: &str = "1.0.0";

pub use compile_worker::{COMPILE_WORKER, compile_worker_main};
pub use compiler::CompilerCommand;
pub use error::RuntimeError;
pub use prepare::{Prepared, Runtime, RuntimeOptions};
