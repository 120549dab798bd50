//! Where a simulated process dies while it writes to the journal. Tests only.

use std::io::Write as _;
use std::panic::resume_unwind;

use super::Writer;

/// What of the batch at work reaches the file before the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
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
            Some(Crash::BeforeWrite) => {}
            Some(Crash::Torn(part)) => {
                let bytes = self.pending.len() * usize::from(part) / 256;
                let torn = self.pending.get(..bytes).unwrap_or_default();
                (&self.file).write_all(torn).expect("the file takes what is written");
            }
            Some(Crash::AfterSync) if synced => {}
            Some(Crash::AfterSync) | None => return,
        }
        resume_unwind(Box::new("crash"));
    }
}
