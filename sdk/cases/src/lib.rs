//! The format of test cases, `cases/NAME/case.json` and `expected.json`: its types, defaults and limits, and how bytes are
//! written in it. It runs nothing: the host runs cases on a built component, the Rust test kit runs them natively.
//!
//! `sdk/schemas` has the JSON Schemas of the two files.

pub mod bytes;
mod expected;
mod file;
mod read;
mod time;

pub use expected::{
    CommitFile, EXPECTED_SCHEMA, ExpectedFile, FailureFile, FailureKindFile, NewEventFile, OutboxFile, Outcome,
    TimerFile, ValidationFile,
};
pub use file::{
    CASE_SCHEMA, CaseFile, ErrorFile, ErrorKind, EventFile, ExchangeFile, HeaderFile, HeadersFile, RequestFile,
    ResponseFile, pairs,
};
pub use read::{CaseError, DATA_BYTES_MAX, FILE_BYTES_MAX, beside, bounded, parse_case, parse_expected, read_bytes};
pub use time::Time;
