//! Rules that need no I/O and that several layers share: which requests grants allow, the operator's options for
//! ingress and egress, what a component may contain, when a new generation is worse than the previous one, and how secrets
//! are hidden.
//!
//! It opens no file, no socket and no store.

pub mod address;
pub mod component;
pub mod cron;
pub mod egress;
pub mod ingress;
pub mod probation;
pub mod request;
pub mod secrets;
