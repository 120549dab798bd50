//! Handoff: a WebAssembly plugin host for car-dealership connectors.
//!
//! Layers, one way only: `cli`, `api` → `app` → `engine` → `runtime`, `egress`, `store`, `ingress` → `model`. `config`
//! and `secrets` are read once at start and handed down. A test reads the `use crate::` lines and fails on an upward
//! import.
//!
//! With `--cfg fuzzing` (tests/fuzz) only what reads bytes from outside is compiled, and no wasmtime.

pub mod model;

pub mod egress;
pub mod ingress;
#[cfg(not(fuzzing))]
pub mod runtime;
#[cfg(fuzzing)]
#[path = "runtime/fuzzing.rs"]
pub mod runtime;
pub mod secrets;
pub mod store;

#[cfg(not(fuzzing))]
pub mod engine;

pub mod config;

#[cfg(not(fuzzing))]
pub mod app;

#[cfg(not(fuzzing))]
pub mod api;
#[cfg(not(fuzzing))]
pub mod cli;
