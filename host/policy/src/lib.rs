//! Rules that need no I/O and that several layers share: what a request may do under which grants, what the operator may
//! set for ways in and out, what a component may hold, and how secrets are kept out of sight.
//!
//! Opens no file, no socket and no store.

pub mod address;
pub mod component;
pub mod cron;
pub mod egress;
pub mod ingress;
pub mod request;
pub mod secrets;
