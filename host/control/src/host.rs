//! The host as a whole.

pub mod logs;
pub mod status;
