//! Lets a candidate migrate an installation's state, before its generation becomes active. Writes nothing: the result
//! is committed together with the swap, or never.

use handoff_model::failure::Failure;
use handoff_model::installation::Installation;
use handoff_store::Migration;

use super::generations::Loaded;
use super::{Engine, delivery};

impl Engine {
    /// Calls `migrate` of a generation that is not active yet, on the current state. Only useful while nothing else
    /// writes that state: see `Engine::quiesce`.
    ///
    /// # Errors
    /// Why the connector, or the host on its behalf, refuses. Nothing has changed then.
    pub async fn migrate(
        &self,
        installation: &Installation,
        loaded: &Loaded,
        from_schema: u32,
    ) -> Result<Migration, Failure> {
        let snapshot = self.shared.store.snapshot();
        let called = delivery::migrate(&self.shared, installation, loaded, from_schema).await;
        for line in &called.trace.logs {
            tracing::info!(installation = %installation.name, level = ?line.level, message = line.message, "migrate says");
        }
        let effects = called.outcome?;
        Ok(Migration { snapshot, reads: called.trace.reads, writes: effects.state_writes })
    }
}
