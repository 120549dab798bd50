//! Shared code of the end-to-end tests and the demonstration: a real host under test, simulated systems, and realistic
//! leads. It reaches no network beyond this machine.
//!
//! # Layout
//! `simulators` (vendors' systems) · `leads` (what web sites send) · `harness` (the real `handoff` program: started,
//! queried, killed, restarted) · `browser` (headless Chromium) · `document` (tables of BENCHMARKS.md).

#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first unexpected result")]

pub mod browser;
pub mod document;
pub mod harness;
pub mod leads;
#[path = "../simulators/simulators.rs"]
pub mod simulators;
