#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! In reading order: what a connector implements ([`Connector`]), its inputs ([`Context`], [`Event`]), its outputs
//! ([`Failure`], [`NewEvent`], [`OutboxRequest`]), the shapes of known events ([`events`]), and how it is tested without a
//! host ([`testkit`]).

mod connector;
mod context;
mod event;
pub mod events;
mod failure;
pub mod host;
mod http;
pub mod limits;
mod state;
mod time;

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
mod heap;
#[cfg(not(target_arch = "wasm32"))]
pub mod testkit;

pub use connector::Connector;
pub use context::{Context, Delivery};
pub use event::{Event, NewEvent};
pub use failure::Failure;
pub use host::Level;
pub use http::{HttpError, OutboxError, OutboxRequest, Request, Response};
pub use state::{Scan, ScanJson, State, StateError};
pub use time::{InvalidTimestamp, Timestamp};

/// Used by the expansion of [`export!`]. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_arch = "wasm32")]
    pub use crate::guest::{bindings, handle, migrate, validate};
}
