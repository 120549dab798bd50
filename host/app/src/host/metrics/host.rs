//! Metrics of the host as a whole: its state, journal, disk, targets and incidents.

use std::collections::BTreeMap;

use super::exposition::{Exposition, Kind};
use super::seconds;
use crate::error::AppError;
use crate::host::status::disk_space;
use crate::shard::Shard;
use handoff_control::host::status::HostState;
use handoff_control::incidents::IncidentQuery;
use handoff_store::BATCH_SECONDS_BOUNDS;

/// Gates in one scrape. A grant of many hosts could lead to as many.
const GATES_MAX: usize = 500;

/// All states, with their names in the label `state`.
const STATES: [(HostState, &str); 5] = [
    (HostState::Recovering, "recovering"),
    (HostState::Ready, "ready"),
    (HostState::Blocked, "blocked"),
    (HostState::Failed, "failed"),
    (HostState::Stopping, "stopping"),
];

pub(super) fn add(out: &mut Exposition, shard: &Shard) -> Result<(), AppError> {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    out.gauge("handoff_build_info", "Always 1; the label has the version of the program.", &version, 1);
    if let Some(at) = shard.process.started_at() {
        let help = "When the process started, in seconds since 1970.";
        out.gauge("process_start_time_seconds", help, &[], seconds(at.0));
    }
    let now = shard.state();
    for (state, name) in STATES {
        let help = "1 for the state of the host: it accepts events if it is ready.";
        out.gauge("handoff_host_state", help, &[("state", name)], u8::from(state == now));
    }
    add_journal(out, shard)?;
    let (free, size) = disk_space(shard.store.folder());
    out.gauge("handoff_disk_free_bytes", "Free space on the file system of the data folder.", &[], free);
    out.gauge("handoff_disk_size_bytes", "Size of the file system of the data folder.", &[], size);
    let position = shard.store.last_position().0;
    out.gauge("handoff_log_position", "The newest position of the log.", &[], position);
    add_gates(out, shard);
    let unknown = shard.hooks.unknown().refused();
    let help = "Requests to webhooks that do not exist, since the host started.";
    out.counter("handoff_hook_unknown_total", help, &[], unknown);
    let mut incidents = BTreeMap::<String, u64>::new();
    for incident in shard.list_incidents(&IncidentQuery::default())?.incidents {
        *incidents.entry(incident.kind).or_default() += 1;
    }
    let family = out.family("handoff_incidents", Kind::Gauge, "Open incidents by kind.");
    for (kind, count) in &incidents {
        family.sample("", &[("kind", kind)], count);
    }
    Ok(())
}

fn add_journal(out: &mut Exposition, shard: &Shard) -> Result<(), AppError> {
    let volume = shard.store.journal_volume();
    let help = "Batches of the journal that became durable, each with one sync.";
    out.counter("handoff_journal_batches_total", help, &[], volume.syncs);
    let help = "Bytes of changes written to the journal.";
    out.counter("handoff_journal_written_bytes_total", help, &[], volume.bytes);
    let help = "Time until a batch of the journal was durable.";
    let family = out.family("handoff_journal_batch_seconds", Kind::Histogram, help);
    family.histogram(&[], &BATCH_SECONDS_BOUNDS, &volume.batches, volume.seconds);
    let (segments, bytes) = shard.store.journal_size()?;
    out.gauge("handoff_journal_segments", "Segments of the journal on disk.", &[], segments);
    out.gauge("handoff_journal_bytes", "Size of the journal's segments on disk.", &[], bytes);
    Ok(())
}

/// The gates to targets that were sent to since the start: whether requests pass.
fn add_gates(out: &mut Exposition, shard: &Shard) {
    let Some(machinery) = &shard.process.machinery else { return };
    let now = shard.now();
    let gates = machinery.egress.gates();
    for gate in gates.iter().take(GATES_MAX) {
        let labels = [("target", gate.target.as_str()), ("profile", gate.profile.as_deref().unwrap_or_default())];
        let help = "1 if requests to a target with an auth profile wait: its breaker is open, it asked to wait, or its \
                    budget is used up.";
        out.gauge("handoff_gate_closed", help, &labels, u8::from(gate.closed.is_some()));
        let wait = gate.closed.map_or(0, |closed| closed.until.since_ms(now));
        let help = "Seconds until the next request through the gate may be sent.";
        out.gauge("handoff_gate_closed_seconds", help, &labels, seconds(wait));
    }
    let omitted = gates.len().saturating_sub(GATES_MAX);
    let help = "Gates that a scrape leaves out: it has at most 500.";
    out.gauge("handoff_gates_omitted", help, &[], omitted);
}
