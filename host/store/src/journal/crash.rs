//! Where a simulated process dies while it writes to the journal. Never set in production; the simulation of the engine,
//! which is another crate, sets it.

/// What of the batch reaches the file before the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing of it.
    BeforeWrite,
    /// So many parts of 256 of it.
    Torn(u8),
    /// All of it, durably; but nobody is told.
    AfterSync,
}
