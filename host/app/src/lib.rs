//! Use cases of the host, grouped by noun, for the control API, the console and the command line. Knows no HTTP and no
//! terminal.

pub mod cases;
mod count;
pub mod error;
mod leftovers;
mod packages;
mod page;
mod ports;
pub mod process;
pub mod shard;
pub mod sources;
pub mod test_clock;

mod audit;
mod dead_letters;
mod events;
mod gates;
pub mod hooks;
pub mod host;
pub mod incidents;
pub mod installations;
mod outbox;
pub mod registry;
pub mod secrets;
pub mod shadow;
mod timers;
mod trust;

pub use handoff_store::Appended;
