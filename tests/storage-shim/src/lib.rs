//! A layer between a process and the disk: records every change below a folder, makes calls fail, and computes the
//! state after a power cut at any time.
//!
//! Linked into a test, its definitions of `open`, `write`, `fsync` and so on replace the C library's for the whole
//! program; as a preloaded library it does so for an unmodified program (see [`control`]). Calls for files outside
//! watched folders go straight to the kernel. Linux only. The product does not depend on it.

mod calls;
pub mod control;
pub mod disk;
mod faults;
mod table;
mod watch;

pub use faults::Faults;
pub use watch::{Gate, Watch};
