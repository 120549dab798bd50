//! Tests of the command line: its arguments, the format of responses, its communication with a host, and exit codes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod arguments;
mod hooks;
mod host;
mod registry;
mod secrets;
mod shares;
mod upgrade;
pub(crate) mod views;
