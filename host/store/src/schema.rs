//! Of which schema an installation's state is. Mostly that of the active version; not after a rollback that kept what a newer
//! version wrote: then it stays what it was, and must not be migrated a second time.

use handoff_model::installation::{GenerationReason, GenerationRecord};
use handoff_model::names::{Generation, InstallationId};

use super::facts::FactKind;
use super::records::More;
use super::rows::{decode, encode};
use super::{Shared, Store, StoreError, keys};

impl Store {
    /// The schema of the state that a generation began with, after its migration.
    pub fn state_schema(&self, id: InstallationId, record: &GenerationRecord) -> Result<u32, StoreError> {
        self.shared.state_schema(id, record)
    }
}

impl Shared {
    fn state_schema(&self, id: InstallationId, record: &GenerationRecord) -> Result<u32, StoreError> {
        let key = keys::fact(FactKind::StateSchema.number(), &name(id, record.generation));
        let other = self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?;
        Ok(other.unwrap_or(record.content.state_schema))
    }

    /// What to write if a generation begins with state of another schema than its version's. `before` is the generation whose
    /// state it begins with: the active one, or the one to whose end state is put back.
    pub(super) fn other_schema(
        &self,
        id: InstallationId,
        record: &GenerationRecord,
        before: Option<&GenerationRecord>,
    ) -> Result<Option<More>, StoreError> {
        let Some(before) = before else { return Ok(None) };
        let (before, own) = (self.state_schema(id, before)?, record.content.state_schema);
        let schema = match record.reason {
            GenerationReason::Rollback { .. } => before,
            // What is newer than the version was kept by a rollback; what is older was migrated.
            _ => own.max(before),
        };
        let (kind, key) = (FactKind::StateSchema, name(id, record.generation));
        Ok((schema != own).then(|| More::Fact { kind, key, value: Some(encode(&schema)) }))
    }
}

fn name(id: InstallationId, generation: Generation) -> String {
    format!("{}/{}", id.0, generation.0)
}
