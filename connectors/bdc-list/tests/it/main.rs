//! The call list, tested through the SDK's test kit. One binary, one module per subject.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod clock;
mod crm;
mod desk;
mod listing;
mod properties;
