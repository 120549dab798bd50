//! The host over HTTP: the control API, the ways in for events, their errors, and the control API's client. Knows no
//! terminal and no rules of the host.

pub mod client;
pub mod problem;
pub mod reply;
pub mod server;
