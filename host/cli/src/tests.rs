//! Tests of the command line: what it takes, how answers look, how it talks to a host and how it ends.

#![expect(clippy::unwrap_used, reason = "tests")]

mod arguments;
mod host;
mod registry;
mod upgrade;
mod views;
