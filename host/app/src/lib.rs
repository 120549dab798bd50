//! Use cases of the host: what the API, the console and the command line ask for. Knows no HTTP and no terminal.

mod approval;
mod asks;
mod code;
mod config_diff;
mod dead_letters;
pub mod error;
mod grant_changes;
pub mod host;
pub mod incidents;
pub mod install;
mod leftovers;
pub mod lock;
pub mod outbox;
mod packages;
mod preflight;
mod probation;
pub mod queries;
pub mod recalls;
pub mod registry;
pub mod replay;
pub mod rollback;
pub mod shadow;
pub mod sources;
pub mod trust;
pub mod upgrade;

pub use handoff_store::Appended;
