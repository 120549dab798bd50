//! Use cases of the host: what the API, the console and the command line ask for. Knows no HTTP and no terminal.

mod asks;
mod dead_letters;
pub mod error;
pub mod host;
pub mod install;
mod leftovers;
pub mod queries;
pub mod rollback;
pub mod sources;
pub mod views;
