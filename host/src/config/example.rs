//! The commented example of a `handoff.toml` that `handoff check --example` prints. A test parses it and compares it
//! with the defaults, so it cannot go stale.

/// The example. Every field is there; what is commented out shows the default.
pub const EXAMPLE: &str = include_str!("example.toml");
