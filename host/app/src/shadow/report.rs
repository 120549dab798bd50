//! Summarizes the results of a run: counts, groups of differences with a few examples, durations. Its size is bounded.

use std::collections::BTreeMap;

use handoff_control::FailureView;
use handoff_control::shadow::{
    CandidateView, CutView, DifferenceChange, DifferenceExample, DifferenceGroup, DifferenceKind, FieldView,
    ShadowCounts, ShadowDurations, ShadowPlace, ShadowView,
};
use handoff_engine::shadow::{Change, Cut, Difference, FieldChange, Kind, Rerun, ShadowEnd};
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

/// Maximum number of examples per group.
const EXAMPLES_MAX: usize = 3;
/// Maximum number of groups. Differences beyond it are only counted.
const GROUPS_MAX: usize = 100;

type GroupKey = (DifferenceKind, DifferenceChange, String);

/// The results so far.
#[derive(Default)]
pub(super) struct Report {
    counts: ShadowCounts,
    groups: Groups,
    first: Option<(Position, Timestamp)>,
    last: Option<(Position, Timestamp)>,
    recorded_us: Vec<u64>,
    now_us: Vec<u64>,
}

#[derive(Default)]
struct Groups {
    groups: BTreeMap<GroupKey, DifferenceGroup>,
    left_out: u64,
}

/// The differences of one delivery, grouped.
pub(crate) fn groups(rerun: &Rerun) -> Vec<DifferenceGroup> {
    let mut groups = Groups::default();
    groups.take(rerun);
    groups.finish().0
}

impl Groups {
    fn take(&mut self, rerun: &Rerun) {
        for difference in &rerun.differences {
            let (kind, change) = (kind(difference.kind), change(difference.change));
            let key = (kind, change, difference.what.clone());
            if !self.groups.contains_key(&key) && self.groups.len() >= GROUPS_MAX {
                self.left_out += 1;
                continue;
            }
            let empty = DifferenceGroup { kind, change, what: difference.what.clone(), count: 0, examples: Vec::new() };
            let group = self.groups.entry(key).or_insert(empty);
            group.count += 1;
            if group.examples.len() < EXAMPLES_MAX {
                group.examples.push(example(rerun, difference));
            }
        }
    }

    /// Groups by descending frequency.
    fn finish(self) -> (Vec<DifferenceGroup>, u64) {
        let mut groups: Vec<DifferenceGroup> = self.groups.into_values().collect();
        groups.sort_by_key(|group| (group.kind, std::cmp::Reverse(group.count)));
        (groups, self.left_out)
    }
}

impl Report {
    pub(super) fn take(&mut self, rerun: &Rerun) {
        let counts = &mut self.counts;
        if rerun.differences.is_empty() {
            counts.same += 1;
        } else {
            counts.different += 1;
        }
        counts.state_assumed += u64::from(rerun.state_assumed);
        counts.not_recorded += u64::from(rerun.not_recorded.count > 0);
        counts.look_ups_not_recorded += rerun.not_recorded.count;
        self.recorded_us.push(rerun.recorded.duration_us);
        self.now_us.push(rerun.duration_us);
        // Deliveries run in the order in which they originally ended, not in the order of their events.
        let (position, at) = (rerun.recorded.position, rerun.recorded.time);
        let first = self.first.get_or_insert((position, at));
        *first = (first.0.min(position), first.1.min(at));
        let last = self.last.get_or_insert((position, at));
        *last = (last.0.max(position), last.1.max(at));
        self.groups.take(rerun);
    }

    pub(super) fn finish(
        mut self,
        installation: &Installation,
        content: &GenerationContent,
        end: ShadowEnd,
        warnings: Vec<String>,
        took_ms: u64,
    ) -> ShadowView {
        let (differences, differences_left_out) = self.groups.finish();
        let ShadowEnd { total, ran, gone, hosts_own, cut, migration_failure } = end;
        self.recorded_us.sort_unstable();
        self.now_us.sort_unstable();
        ShadowView {
            name: installation.name.clone(),
            generation: installation.active.generation,
            version: installation.active.content.version.to_string(),
            candidate: CandidateView { version: content.version.to_string(), digest: content.digest.clone() },
            deliveries: ShadowCounts { total, ran, gone, hosts_own, ..self.counts },
            first: self.first.map(place),
            last: self.last.map(place),
            cut: cut.map(|cut| match cut {
                Cut::Time => CutView::Time,
                Cut::State => CutView::State,
                Cut::Stopping => CutView::Stopping,
            }),
            migration_failure: migration_failure.as_ref().map(FailureView::from),
            differences,
            differences_left_out,
            durations: ShadowDurations {
                recorded_p50_ms: share(&self.recorded_us, 50),
                recorded_p95_ms: share(&self.recorded_us, 95),
                candidate_p50_ms: share(&self.now_us, 50),
                candidate_p95_ms: share(&self.now_us, 95),
            },
            warnings,
            took_ms,
        }
    }
}

fn place((position, at): (Position, Timestamp)) -> ShadowPlace {
    ShadowPlace { position, at: at.into() }
}

/// A percentile of sorted microseconds, in milliseconds.
fn share(sorted: &[u64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let us = sorted.get(place).copied().unwrap_or(0);
    f64::from(u32::try_from(us).unwrap_or(u32::MAX)) / 1_000.0
}

fn example(rerun: &Rerun, difference: &Difference) -> DifferenceExample {
    let field = |field: &FieldChange| FieldView {
        path: field.path.clone(),
        recorded: field.recorded.clone(),
        candidate: field.now.clone(),
    };
    DifferenceExample {
        position: rerun.recorded.position,
        attempt: rerun.recorded.attempt,
        name: difference.name.clone(),
        fields: difference.fields.iter().map(field).collect(),
        fields_left_out: u64::try_from(difference.fields_left_out).unwrap_or(u64::MAX),
        state_assumed: rerun.state_assumed,
        not_recorded: rerun.not_recorded.named.clone(),
    }
}

fn kind(kind: Kind) -> DifferenceKind {
    match kind {
        Kind::Outcome => DifferenceKind::Outcome,
        Kind::Emitted => DifferenceKind::Emitted,
        Kind::State => DifferenceKind::State,
        Kind::Timer => DifferenceKind::Timer,
        Kind::Request => DifferenceKind::Request,
    }
}

fn change(change: Change) -> DifferenceChange {
    match change {
        Change::Added => DifferenceChange::Added,
        Change::Removed => DifferenceChange::Removed,
        Change::Changed => DifferenceChange::Changed,
        Change::Reordered => DifferenceChange::Reordered,
    }
}
