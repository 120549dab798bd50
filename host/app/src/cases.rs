//! Test cases as data: a case's files, one run of a case on a component through the real runtime, and the differences
//! from what the case expects. Sends nothing and stores nothing but expectations.
//!
//! `sdk/schemas` has the JSON Schemas of the two files of a case: `case.json` (the inputs) and `expected.json`.

mod bytes;
mod compare;
mod convert;
mod export;
mod file;
mod folder;
mod inputs;
mod run;

pub use compare::{Difference, differences};
pub use file::{ExpectedFile, Outcome};
pub use folder::{Case, CaseError, NamedCase, read_cases};
pub use run::{CaseRun, CaseRunner};

pub(crate) use export::export;
