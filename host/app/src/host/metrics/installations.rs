//! Metrics of one installation: its active version, queue, deliveries, dead letters and outbox.

use super::exposition::{Exposition, Kind, Label};
use super::seconds;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_model::installation::Installation;

/// Events between two attempts that are read to find the oldest waiting one.
const RETRIES_READ: usize = 1_000;

pub(super) fn add(
    out: &mut Exposition,
    shard: &Shard,
    installation: &Installation,
    own: &[Label<'_>; 2],
) -> Result<(), AppError> {
    let content = &installation.active.content;
    let (version, generation) = (content.version.to_string(), installation.active.generation.to_string());
    let active = [("package", content.package.as_str()), ("version", &version), ("generation", &generation)];
    let labels: Vec<Label<'_>> = own.iter().copied().chain(active).collect();
    let help = "Always 1; the labels have the active version and generation of an installation.";
    out.gauge("handoff_installation_info", help, &labels, 1);
    let paused = u8::from(installation.paused.is_some());
    out.gauge("handoff_installation_paused", "1 if deliveries to an installation are paused.", own, paused);
    let (id, store) = (installation.id, &shard.store);
    let counts = store.counts(id);
    let help = "Events that wait for a delivery, including those between two attempts.";
    out.gauge("handoff_queue_entries", help, own, counts.waiting);
    let oldest = store.oldest_waiting(id, RETRIES_READ)?.map_or(0, |at| shard.now().since_ms(at));
    let help = "Age of the oldest event that waits for a delivery; 0 if none waits.";
    out.gauge("handoff_queue_oldest_age_seconds", help, own, seconds(oldest));
    out.gauge("handoff_deliveries_in_flight", "Running deliveries.", own, shard.in_flight(id));
    out.gauge("handoff_dead_letters", "Dead letters that nobody has redriven or discarded.", own, counts.dead_letters);
    out.gauge("handoff_timers", "Timers that are set.", own, counts.timers);
    let outbox = out.family("handoff_outbox_requests", Kind::Gauge, "Outbox requests without an answer, by state.");
    for (state, count) in [("pending", counts.outbox_pending), ("held", counts.outbox_held)] {
        outbox.sample("", &with(own, ("state", state)), count);
    }
    let help = "Attempts to deliver an event that ended, by outcome, since the installation was created.";
    let deliveries = out.family("handoff_deliveries_total", Kind::Counter, help);
    let retried = counts.failed_attempts.saturating_sub(counts.dead_lettered);
    for (outcome, count) in [("committed", counts.committed), ("retry", retried), ("dead-letter", counts.dead_lettered)]
    {
        deliveries.sample("", &with(own, ("outcome", outcome)), count);
    }
    let tally = shard.tally(id);
    let help = "Attempts to deliver an event that failed, by code, since the host started; `other` after 50 codes.";
    let failures = out.family("handoff_delivery_failures_total", Kind::Counter, help);
    for (code, count) in &tally.failures {
        failures.sample("", &with(own, ("code", code)), count);
    }
    let help = "Attempts to send an outbox request, by outcome, since the host started.";
    let sends = out.family("handoff_outbox_attempts_total", Kind::Counter, help);
    let outcomes = [
        ("answered", tally.sends.answered),
        ("retry", tally.sends.retried),
        ("failed", tally.sends.failed),
        ("held", tally.sends.held),
    ];
    for (outcome, count) in outcomes {
        sends.sample("", &with(own, ("outcome", outcome)), count);
    }
    Ok(())
}

/// Webhooks that were accepted and refused.
pub(super) fn add_hooks(out: &mut Exposition, shard: &Shard, installation: &Installation, own: &[Label<'_>; 2]) {
    let record = shard.hooks.of(&installation.name);
    if !shard.takes_webhooks(&installation.name).unwrap_or(false) && record.refused() == 0 {
        return;
    }
    let help = "Webhooks that were accepted since the host started, those that were in the log already included.";
    out.counter("handoff_hook_accepted_total", help, own, record.accepted.saturating_add(record.duplicates));
    let help = "Webhooks that were refused since the host started, by reason.";
    let refused = out.family("handoff_hook_refused_total", Kind::Counter, help);
    for (reason, count) in &record.reasons {
        refused.sample("", &with(own, ("reason", reason)), count);
    }
}

fn with<'l>(own: &[Label<'l>; 2], last: Label<'l>) -> [Label<'l>; 3] {
    let [installation, rooftop] = *own;
    [installation, rooftop, last]
}
