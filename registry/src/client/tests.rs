//! The same publishing, pulling and attacks against every kind of registry.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod attacks;
#[cfg(feature = "server")]
mod front;
mod kinds;
mod lists;
#[cfg(feature = "server")]
mod network;
#[cfg(feature = "server")]
mod old;
mod packages;
mod publishing;
