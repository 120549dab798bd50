//! The host as a whole.

pub mod backup;
pub mod clock;
pub mod logs;
pub mod status;
