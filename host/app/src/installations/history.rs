//! The generations of an installation, with the origin of each.

use super::show::generations;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::history::{HistoryEntry, HistoryView, OriginView};
use handoff_model::names::InstallationName;

impl Shard {
    /// Lists all generations, newest first.
    pub fn installation_history(&self, name: &InstallationName) -> Result<HistoryView, AppError> {
        let installation = self.find(name)?;
        let records = self.store.generations(installation.id)?;
        let previous = installation.previous.as_ref().map(|record| record.generation);
        let mut entries = Vec::new();
        for generation in generations(&records, installation.active.generation) {
            let details = self.store.generation_details(installation.id, generation.generation)?;
            entries.push(HistoryEntry {
                previous: previous == Some(generation.generation),
                from: details.as_ref().and_then(|details| details.from),
                origin: details.as_ref().map(|details| OriginView::from(&details.origin)),
                signer: details.and_then(|details| details.signer),
                generation,
            });
        }
        let package = installation.active.content.package.clone();
        Ok(HistoryView { name: name.clone(), package, generations: entries })
    }
}
