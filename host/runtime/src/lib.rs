//! Runs connectors: turns a component into prepared code, and one call into effects or a failure.
//!
//! Only this crate names wasmtime. It stores nothing, sends nothing and knows no queue: effects are returned as data;
//! look-ups and state reads use traits that the caller implements.
//!
//! Each call runs in a fresh instance in its own store. However a call ends (a result, a trap, the deadline, a dropped
//! future), its store is discarded.

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

/// The version of the contract `handoff:connector` that this host supports.
pub const INTERFACE: &str = "1.1.0-rc";

pub use compile_worker::{COMPILE_WORKER, compile_worker_main};
pub use compiler::CompilerCommand;
pub use error::RuntimeError;
pub use prepare::{Prepared, Runtime, RuntimeOptions};
