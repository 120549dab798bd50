//! Webhooks by hook: how many were accepted, and which were refused and why. Kept in memory: it begins with the process.
//! Receiving one is in `events`. A person can send one, too.

mod list;
pub(crate) mod record;
mod send;

pub use record::RefusedWebhook;
