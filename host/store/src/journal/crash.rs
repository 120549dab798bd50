//! Where a simulated process dies while it writes to the journal. Always none in production; the simulation
//! of the engine, which is another crate, sets it.

use std::io::Write as _;
use std::panic::resume_unwind;

use super::Writer;

/// What of the batch at work reaches the file before the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing of it.
    BeforeWrite,
    /// So many parts of 256 of it.
    Torn(u8),
    /// All of it, durably; but nobody is told.
    AfterSync,
}

impl Writer {
    /// Dies if it is time to, without a word from the panic hook.
    pub(super) fn die(&self, synced: bool) {
        match self.crash {
            None => return,
            Some(Crash::BeforeWrite) => {}
            Some(Crash::Torn(part)) => {
                let bytes = self.pending.len() * usize::from(part) / 256;
                let torn = self.pending.get(..bytes).unwrap_or_default();
                // A simulation on a disk that takes nothing has torn what it could.
                drop((&self.file).write_all(torn));
            }
            Some(Crash::AfterSync) if synced => {}
            Some(Crash::AfterSync) => return,
        }
        resume_unwind(Box::new("crash"));
    }
}
