//! What the end-to-end tests and the demonstration share: a real host under test, simulated systems around it, and leads as
//! they come in real life. Reaches no network beyond this machine.
//!
//! # Layout
//! `simulators` (systems of vendors) · `leads` (what web sites send) · `harness` (the real `handoff` program, started,
//! asked, killed and started again) · `document` (tables of BENCHMARKS.md).

#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise, and says where")]

pub mod document;
pub mod harness;
pub mod leads;
#[path = "../simulators/simulators.rs"]
pub mod simulators;
