//! A bad version 1.1.0 of `bdc-list`: the connector's own source with one fault added. It has no business rules of its
//! own.
//!
//! The fault is a text in the module's data, see [`Fault`]: one compilation makes all bad releases.

mod fault;

// The connector's source uses the name `handoff_sdk` and finds this crate: the whole SDK, except that `export!` exports
// nothing, because a component contains one connector.
extern crate self as handoff_sdk;
pub use sdk::*;

#[path = "../../../../connectors/bdc-list/src/lib.rs"]
pub mod original;
pub use original::{config, effects, entry, hours, input, machine};

pub use fault::{Fault, MARK, Release};

/// Replaces the SDK's macro for the source of the connector.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {};
}

sdk::export!(Release);
