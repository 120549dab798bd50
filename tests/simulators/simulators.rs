//! Simulated systems of other vendors. They speak real HTTP, record all that they get, and fail on demand. They know no host.

pub mod crm;
pub mod recorder;
