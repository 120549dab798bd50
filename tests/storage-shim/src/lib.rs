//! Stands between a process and the disk: records every change below one folder, makes calls fail, and says what a power
//! cut at any moment would leave.
//!
//! Linked into a test, its definitions of `open`, `write`, `fsync` and so on take the place of the C library's for the whole
//! program; as a preloaded library they do so for a program that knows nothing of it (see [`control`]). Calls about files
//! outside watched folders go straight to the kernel. Linux only. Nothing of the product depends on it.

mod calls;
pub mod control;
pub mod disk;
mod faults;
mod table;
mod watch;

pub use faults::Faults;
pub use watch::{Gate, Watch};
