//! The control API over HTTP: its errors, its client. Knows no terminal.

pub mod client;
pub mod problem;
