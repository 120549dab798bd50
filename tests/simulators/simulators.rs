//! Simulated systems of vendors. They speak real HTTP, record all requests, and fail on demand. They know no host.

pub mod crm;
pub mod recorder;
