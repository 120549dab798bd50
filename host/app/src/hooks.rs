//! Webhooks by hook: how many were accepted, and which were refused and why. Kept in memory: it begins with the process.
//! Receiving one is in `events`.

mod list;
pub(crate) mod record;

pub use record::RefusedWebhook;
