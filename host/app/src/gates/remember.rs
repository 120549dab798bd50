//! Remembers gates that a target closed for long over a restart: the target asked for it, not for this process.

use handoff_egress::Egress;
use handoff_egress::gates::{ClosedBy, GateState};
use handoff_model::host_records::GateRecord;
use handoff_store::Store;

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::host::status::HostState;

/// Closes the gates that were closed before the start.
pub(crate) fn restore(store: &Store, egress: &Egress) -> Result<(), AppError> {
    for (_, GateRecord { host, port, profile, until }) in store.gates()? {
        egress.close_gate(&host, port, profile.as_deref(), until);
    }
    Ok(())
}

impl Shard {
    /// Stores the gates that are closed for long, and forgets those that are open again.
    pub(crate) async fn remember_gates(&self) {
        let Some(machinery) = self.process.machinery.as_ref().filter(|_| self.state() == HostState::Ready) else {
            return;
        };
        if let Err(error) = self.update_gates(&machinery.egress.gates()).await {
            tracing::warn!(%error, "closed gates are not stored yet");
        }
    }

    async fn update_gates(&self, gates: &[GateState]) -> Result<(), AppError> {
        let mut stored: std::collections::BTreeMap<String, GateRecord> = self.store.gates()?.into_iter().collect();
        for gate in gates {
            let closed = gate.closed.filter(|closed| closed.is_long && closed.by == ClosedBy::RetryAfter);
            let Some((closed, record)) = closed.and_then(|closed| Some((closed, record(gate, closed.until)?))) else {
                continue;
            };
            let name = name(&gate.target, gate.profile.as_deref());
            if stored.remove(&name).is_none_or(|known| known.until != closed.until) {
                self.store.set_gate(name, Some(record), None).await?;
            }
        }
        for name in stored.into_keys() {
            self.store.set_gate(name, None, None).await?;
        }
        Ok(())
    }
}

fn record(gate: &GateState, until: handoff_model::time::Timestamp) -> Option<GateRecord> {
    let (host, port) = gate.target.rsplit_once(':')?;
    Some(GateRecord { host: host.to_owned(), port: port.parse().ok()?, profile: gate.profile.clone(), until })
}

/// The name of a gate in the store.
pub(super) fn name(target: &str, profile: Option<&str>) -> String {
    format!("{target} {}", profile.unwrap_or_default())
}
