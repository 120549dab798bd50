//! Tests of a connector without a host: in a plain `cargo test`, natively, in milliseconds.
//!
//! A [`Bench`] plays the host for one installation. It keeps state, timers and used request keys between deliveries,
//! commits what a successful delivery did and discards what a failed one did, and holds the connector to the limits of
//! the contract. Every delivery is run twice, and must do the same twice: a delivery is a pure function.
//!
//! A [`TestCase`] is a delivery that a host recorded: `handoff replay EVENT --export FOLDER` writes it, and a test runs it.
//!
//! The bench does not drop events with a `source` and `id` that it has seen, and it does not retry: a test does that
//! by delivering again, and the attempt counts up.

mod bench;
mod case;
mod check;
mod deliver;
mod event;
mod fake;
mod random;
mod run;

pub use bench::Bench;
pub use case::{CaseRun, TestCase};
pub use deliver::Delivered;
pub use event::{EventBuilder, event};
pub use run::{LogEntry, Metric, MetricValue, Timer};
