//! Tests of a connector without a host: in a plain `cargo test`, natively, in milliseconds.
//!
//! A [`Bench`] simulates the host for one installation. It keeps state, timers and used request keys between
//! deliveries, commits the effects of a successful delivery and discards those of a failed one, and enforces the limits
//! of the contract. Every delivery runs twice and must do the same twice: a delivery is a pure function.
//!
//! A [`TestCase`] is a folder of `cases`, written by hand or by a host (`handoff replay EVENT --export cases`): a native
//! test runs it here, and `handoff test` on the built component.
//!
//! The bench does not drop events with a known `source` and `id`, and it does not retry: a test retries by delivering
//! again, which increases the attempt.

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
