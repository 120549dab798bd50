//! Events: accept them, receive webhooks, list and search the log, show one event, trace its effects.

mod accept;
mod find;
mod list;
mod receive_webhook;
pub(crate) mod repeats;
pub(crate) mod send;
mod senders;
mod show;
mod summary;
mod trace;
