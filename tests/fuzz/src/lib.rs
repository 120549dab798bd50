//! Properties for every input, one module per reader of outside bytes. The targets only pass bytes to these functions;
//! a violated property is a panic. Nothing here reads the clock or depends on an earlier input.

pub mod cloudevents;
pub mod config;
pub mod hook;
pub mod journal;
pub mod leads;
pub mod manifest;
pub mod mask;
pub mod package;
pub mod registry;

mod memory;
mod message;
mod text;
