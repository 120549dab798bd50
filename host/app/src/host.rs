//! The host as a whole: its status, its metrics, and what connectors log.

mod clock;
mod logs;
pub mod metrics;
mod status;
