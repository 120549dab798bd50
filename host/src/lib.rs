//! Handoff: a WebAssembly plugin host for car-dealership connectors.
//!
//! Layers, one way only: `cli`, `api` → `app` → `engine` → `runtime`, `store` → `model`. `config` is read once at start
//! and handed down as plain structs. A test reads the `use crate::` lines and fails on an upward import.

pub mod model;
pub mod store;
