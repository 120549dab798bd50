//! Where a simulated process dies while it writes to the journal. Never set in production; only the simulation of the
//! engine, in another crate, sets it.

/// How much of the batch reaches the file before the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing.
    BeforeWrite,
    /// This many 256ths of it.
    Torn(u8),
    /// All of it, durably, but without an answer to callers.
    AfterSync,
}
