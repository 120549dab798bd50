//! Tracks which schema the state of an installation follows. Usually that of the active version. After a rollback that
//! kept the state of a newer version, the state keeps the newer schema and must not be migrated again.

use handoff_model::installation::{GenerationReason, GenerationRecord};
use handoff_model::names::InstallationId;

use super::changes::Change;
use super::rows::decode;
use super::{Shared, Store, StoreError, keys};

impl Store {
    /// The schema of the state that a generation started with, after its migration.
    pub fn state_schema(&self, id: InstallationId, record: &GenerationRecord) -> Result<u32, StoreError> {
        self.shared.state_schema(id, record)
    }
}

impl Shared {
    fn state_schema(&self, id: InstallationId, record: &GenerationRecord) -> Result<u32, StoreError> {
        let key = keys::state_schema(id, record.generation);
        let other = self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?;
        Ok(other.unwrap_or(record.content.state_schema))
    }

    /// The change to write if a generation starts with state of a schema other than its version's. `before` is the
    /// generation whose state it starts with: the active one, or the one whose end state is restored.
    pub(super) fn other_schema(
        &self,
        id: InstallationId,
        record: &GenerationRecord,
        before: Option<&GenerationRecord>,
    ) -> Result<Option<Change>, StoreError> {
        let Some(before) = before else { return Ok(None) };
        let (before, own) = (self.state_schema(id, before)?, record.content.state_schema);
        let schema = match record.reason {
            GenerationReason::Rollback { .. } => before,
            // State newer than the version was kept by a rollback; older state was migrated.
            GenerationReason::Install | GenerationReason::Upgrade | GenerationReason::Reconfigure => own.max(before),
        };
        let generation = record.generation;
        Ok((schema != own).then_some(Change::StateSchemaSet { installation: id, generation, schema }))
    }
}
