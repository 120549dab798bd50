//! Conditions of targets: gates that are closed for long.

use super::super::keeper::Condition;
use crate::count::count;
use crate::shard::Shard;
use handoff_egress::gates::{ClosedBy, GateState};
use handoff_model::installation::Installation;

/// Closed gates that are reported.
const GATES_MAX: usize = 200;

pub(super) fn find(shard: &Shard, found: &mut Vec<Condition>) {
    let Some(machinery) = &shard.process.machinery else { return };
    let gates = machinery.egress.gates();
    let closed = gates.iter().filter_map(|gate| Some((gate, gate.closed.filter(|closed| closed.is_long)?)));
    let closed: Vec<_> = closed.take(GATES_MAX).collect();
    if closed.is_empty() {
        return;
    }
    let installations = shard.store.installations();
    for (gate, closed) in closed {
        let who = match &gate.profile {
            Some(profile) => format!("{} (auth profile {profile})", gate.target),
            None => gate.target.clone(),
        };
        let open = format!("handoff gates open {}{}", gate.target, option(gate));
        let (kind, message, command) = match closed.by {
            ClosedBy::Failures => (
                "target-failing",
                format!("{who} keeps failing: requests wait, and one at a time tests whether it works again"),
                "see why with `handoff outbox`; the host sends again by itself once the target works".to_owned(),
            ),
            ClosedBy::RetryAfter => (
                "target-asks-to-wait",
                format!("{who} asked to wait until {} (Retry-After): no request is sent before", closed.until),
                format!("ask its operator; if it accepts requests again: {open}"),
            ),
            ClosedBy::Budget => (
                "budget-spent",
                format!("the daily budget of {who} is used up: no request is sent before {}", closed.until),
                "raise `daily` in its [hosts] section of handoff.toml, then restart the host".to_owned(),
            ),
        };
        let affected: Vec<&Installation> =
            installations.iter().map(AsRef::as_ref).filter(|installation| sends_to(installation, gate)).collect();
        let pending =
            affected.iter().map(|installation| shard.store.counts(installation.id).outbox_pending).sum::<u64>();
        found.push(Condition {
            kind,
            subject: format!(
                "{}{}",
                gate.target,
                gate.profile.iter().map(|name| format!(" {name}")).collect::<String>()
            ),
            affects: affected.iter().map(|installation| installation.name.clone()).collect(),
            since: None,
            message,
            waits: Some(count(pending, "outbox request", "outbox requests")),
            command: Some(command),
        });
    }
}

/// The option that names a gate's profile.
fn option(gate: &GateState) -> String {
    gate.profile.as_ref().map_or_else(String::new, |profile| format!(" --profile {profile}"))
}

/// Whether an installation may send to the target with the profile.
pub(crate) fn sends_to(installation: &Installation, gate: &GateState) -> bool {
    installation.active.content.grants.http.iter().any(|grant| {
        let port = grant.port.unwrap_or(if grant.plaintext { 80 } else { 443 });
        let uses = gate.profile.as_ref().is_none_or(|profile| grant.auth.values().any(|name| name == profile));
        format!("{}:{port}", grant.host) == gate.target && uses
    })
}
