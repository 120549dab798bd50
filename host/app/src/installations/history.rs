//! The generations of an installation, with the origin of each; also of one that was uninstalled.

use super::show::generations;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::history::{EarlierInstallation, HistoryEntry, HistoryView, OriginView};
use handoff_control::installations::uninstall::UninstalledView;
use handoff_model::installation::Installation;
use handoff_model::names::InstallationName;
use handoff_store::Uninstalled;

impl Shard {
    /// Lists all generations, newest first, then those of earlier installations of the name.
    pub fn installation_history(&self, name: &InstallationName) -> Result<HistoryView, AppError> {
        let mut ended = self.store.uninstalled();
        ended.retain(|ended| ended.installation.name == *name);
        let active = self.store.installation(name);
        let last = if active.is_none() { ended.pop() } else { None };
        let shown = active.as_deref().or(last.as_deref().map(|last| &last.installation));
        let shown = shown.ok_or_else(|| AppError::no_installation(name))?;
        let mut earlier = Vec::with_capacity(ended.len());
        for one in ended.iter().rev() {
            earlier.push(EarlierInstallation {
                package: one.installation.active.content.package.clone(),
                uninstalled: uninstalled(one),
                generations: self.history_entries(&one.installation, false)?,
            });
        }
        Ok(HistoryView {
            name: name.clone(),
            package: shown.active.content.package.clone(),
            generations: self.history_entries(shown, active.is_some())?,
            uninstalled: last.as_deref().map(uninstalled),
            earlier,
        })
    }

    fn history_entries(&self, installation: &Installation, is_active: bool) -> Result<Vec<HistoryEntry>, AppError> {
        let records = self.store.generations(installation.id)?;
        let previous = installation.previous.as_ref().filter(|_| is_active).map(|record| record.generation);
        let mut entries = Vec::new();
        for mut generation in generations(&records, installation.active.generation) {
            generation.active &= is_active;
            let details = self.store.generation_details(installation.id, generation.generation)?;
            entries.push(HistoryEntry {
                previous: previous == Some(generation.generation),
                from: details.as_ref().and_then(|details| details.from),
                origin: details.as_ref().map(|details| OriginView::from(&details.origin)),
                signer: details.and_then(|details| details.signer),
                generation,
            });
        }
        Ok(entries)
    }
}

fn uninstalled(ended: &Uninstalled) -> UninstalledView {
    UninstalledView { at: ended.at.into(), by: ended.by.to_string(), reason: ended.reason.clone() }
}
