//! Handoff: a WebAssembly plugin host for car-dealership connectors.
//!
//! Layers, one way only: `cli`, `api` → `app` → `engine` → `runtime`, `egress`, `store`, `ingress` → `model`. `config`
//! and `secrets` are read once at start and handed down. A test reads the `use crate::` lines and fails on an upward
//! import.

pub mod model;

pub mod egress;
pub mod ingress;
pub mod runtime;
pub mod secrets;
pub mod store;

pub mod engine;

pub mod config;

pub mod app;

pub mod api;
pub mod cli;
