//! Finds what the host has stopped or refuses by itself at this moment. Looks at memory and a few counters, so that it can
//! be asked every second. Decides nothing about what was found before.

mod folders;
mod hooks;
mod host;
mod installations;
mod targets;

use super::keeper::Condition;
use crate::shard::Shard;
use handoff_model::names::InstallationName;

pub(crate) use folders::FolderStates;

impl Shard {
    /// Everything that is wrong now.
    pub(super) fn find_conditions(&self) -> Vec<Condition> {
        let mut found = Vec::new();
        host::find(self, &mut found);
        installations::find(self, &mut found);
        targets::find(self, &mut found);
        folders::find(self, &mut found);
        hooks::find(self, &mut found);
        found
    }
}

/// A condition of one installation.
fn of(installation: &InstallationName, kind: &'static str, subject: String, message: String) -> Condition {
    Condition { kind, subject, affects: vec![installation.clone()], since: None, message, waits: None, command: None }
}
