//! Identity, tested through the SDK's test kit. One binary, one module per subject.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod book;
mod consents;
mod leads;
mod merges;
mod properties;
mod quality;
mod sales;
