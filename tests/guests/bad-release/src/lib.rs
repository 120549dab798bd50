//! Version 1.1.0 of `bdc-list` as it should not be: the connector's own source, line by line, with one fault on top. Has no
//! business rule of its own.
//!
//! Which fault is a text in the module's data, see [`Fault`]: one compilation makes every bad release.

mod fault;

// The connector's source names the SDK `handoff_sdk` and finds this crate: all of the SDK, but for an `export!` that exports
// nothing, because a component has one connector.
extern crate self as handoff_sdk;
pub use sdk::*;

#[path = "../../../../connectors/bdc-list/src/lib.rs"]
pub mod original;
pub use original::{config, effects, entry, hours, input, machine};

pub use fault::{Fault, MARK, Release};

/// Takes the place of the SDK's for the source of the connector.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {};
}

sdk::export!(Release);
