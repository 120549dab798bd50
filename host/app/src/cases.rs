//! Test cases as data: a case's files, one run of a case on a component through the real runtime, and the differences
//! from what the case expects. Sends nothing and stores nothing but expectations.
//!
//! `sdk/schemas` has the JSON Schemas of the two files of a case: `case.json` (the inputs) and `expected.json`.

mod compare;
mod convert;
mod export;
mod folder;
mod hostile;
mod inputs;
mod run;

pub use compare::{Difference, differences};
pub use folder::{Case, NamedCase, read_cases};
pub use handoff_cases::{CaseError, ExpectedFile, Outcome};
pub use hostile::{Crash, HostileRun};
pub use run::{CaseRun, CaseRunner};

pub(crate) use export::export;
