//! The host as a whole: its status, its metrics, and the log messages of connectors.

pub mod backup;
mod clock;
mod logs;
pub mod metrics;
pub(crate) mod status;
