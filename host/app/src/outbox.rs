//! Outbox requests: list them, show one, release or discard those that a rollback holds.

mod discard;
mod list;
mod release;
mod resolve;
mod show;
pub(crate) mod view;
