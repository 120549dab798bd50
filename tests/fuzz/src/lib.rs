//! What must hold for every input, one module for each reader of bytes from outside. The targets only hand bytes to these
//! functions; a property that does not hold is a panic. Nothing here reads the clock or depends on an earlier input.

pub mod cloudevents;
pub mod config;
pub mod hook;
pub mod journal;
pub mod leads;
pub mod manifest;
pub mod package;
pub mod registry;

mod memory;
mod message;
mod text;
