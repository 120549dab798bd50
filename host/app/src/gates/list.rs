//! Lists gates.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::gates::{ClosedBy, GateList, GateView};
use handoff_egress::gates::{self, GateState};

/// Gates in one list.
const LIST_MAX: usize = 1_000;

impl Shard {
    /// Lists gates, closed ones first.
    pub fn list_gates(&self) -> Result<GateList, AppError> {
        let machinery = self.process.machinery.as_ref().ok_or(AppError::HostStopped)?;
        let mut gates: Vec<GateView> = machinery.egress.gates().iter().map(view).collect();
        gates.sort_by_key(|gate| gate.closed_by.is_none());
        gates.truncate(LIST_MAX);
        Ok(GateList { gates })
    }
}

pub(super) fn view(gate: &GateState) -> GateView {
    GateView {
        target: gate.target.clone(),
        profile: gate.profile.clone(),
        closed_by: gate.closed.map(|closed| match closed.by {
            gates::ClosedBy::Failures => ClosedBy::Failures,
            gates::ClosedBy::RetryAfter => ClosedBy::RetryAfter,
            gates::ClosedBy::Budget => ClosedBy::Budget,
        }),
        until: gate.closed.map(|closed| closed.until.into()),
    }
}
