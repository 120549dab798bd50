//! The same publishing, pulling and attacks against every kind of registry.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod attacks;
mod front;
mod kinds;
mod links;
mod lists;
mod network;
mod old;
mod packages;
mod publishing;
