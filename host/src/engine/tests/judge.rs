//! Parts of the judgement that need no state: fences, series of attempts, requests at the target.

use std::collections::BTreeMap;

use crate::model::failure::host_codes;
use crate::model::limits::EngineLimits;
use crate::model::names::{Generation, InstallationId, Position};
use crate::store::{AttemptRecord, OutboxEntry, OutboxState};

use super::model::Model;
use super::script::{Body, Failing, Script};
use super::world::{Place, World};

/// Nothing of an older generation took effect after the acknowledgement of a newer one.
pub(super) fn fence(world: &World, id: InstallationId, generation: Generation, marker: Position) {
    for (fenced, newer, last) in &world.fences {
        let is_late = *fenced == id && generation < *newer && marker > *last;
        assert!(!is_late, "generation {generation} of {id:?} committed at {marker}, after {newer} was made at {last}");
    }
}

/// Attempts are numbered without gaps, fail as their script says, and wait as long as they should.
pub(super) fn attempts(world: &mut World, model: &Model<'_>, place: Place, attempts: &[AttemptRecord]) {
    let stored = &model.log[&place.1];
    let script = Script::of(&stored.event);
    let dies = script.dies_at(model.limits.max_attempts).filter(|_| stored.redrive_of.is_none());
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt.attempt, number, "attempts at {place:?}");
        assert!(attempt.time >= stored.received_at && attempt.finished_at >= attempt.time);
        let Some(failure) = &attempt.failure else {
            world.tally.commits += 1;
            assert_eq!(attempts.len(), usize::try_from(number).expect("few"), "a commit ends {place:?}");
            continue;
        };
        world.tally.failures += 1;
        let is_last = dies == Some(number);
        let rejects = u32::from(script.fails) < number;
        let code = if script.how == Failing::Panic && !rejects { host_codes::HOST_PANIC } else { "scripted" };
        assert_eq!(failure.code, code, "{place:?}");
        assert_eq!(attempt.retry_at.is_none(), is_last, "{place:?} after attempt {number}: {:?}", attempt.retry_at);
        let Some(retry_at) = attempt.retry_at else {
            world.tally.dead_letters += 1;
            continue;
        };
        let after = if let Failing::After(ms) = script.how { u64::from(ms) } else { 0 };
        let bound = (model.limits.retry_base_ms << (number - 1)).min(model.limits.retry_cap_ms).max(after);
        let pause = retry_at.since_ms(attempt.finished_at);
        assert!((after..=bound).contains(&pause), "{place:?} waits {pause} ms after attempt {number}");
        let next = attempts.get(usize::try_from(number).expect("few"));
        assert!(next.is_some_and(|next| next.time >= retry_at), "{place:?} is tried again before {retry_at}");
    }
    assert_eq!(
        attempts.iter().filter(|attempt| attempt.failure.is_some()).count(),
        failures(&script, stored.redrive_of, dies)
    );
}

fn failures(script: &Script, copy_of: Option<Position>, dies: Option<u32>) -> usize {
    let failures = dies.unwrap_or(if copy_of.is_some() { 0 } else { script.fails.into() });
    usize::try_from(failures).expect("few")
}

/// Every request was sent, under one idempotency key, until it was answered or given up.
pub(super) fn requests(
    world: &mut World,
    limits: &EngineLimits,
    expected: &BTreeMap<(InstallationId, String), &Body>,
    entries: &BTreeMap<(InstallationId, String), OutboxEntry>,
) {
    assert!(expected.keys().eq(entries.keys()), "requests: {:?}, not {:?}", entries.keys(), expected.keys());
    for (name, body) in expected {
        let entry = &entries[name];
        let found: Vec<_> = world.sent.values().filter(|sent| sent.body == **body).collect();
        assert_eq!(found.len(), 1, "{body:?} has one idempotency key");
        let sent = found[0];
        let refused = body.target.refuses;
        match &entry.state {
            OutboxState::Answered { .. } => assert!(sent.answered && !refused, "{body:?}"),
            OutboxState::Failed { .. } if sent.answered => assert!(refused, "{body:?}"),
            OutboxState::Failed { .. } => assert_eq!(entry.attempts, limits.outbox_max_attempts, "{body:?}"),
            OutboxState::Pending { .. } | OutboxState::Held { .. } | OutboxState::Discarded { .. } => {
                panic!("{body:?} is still to be sent")
            }
        }
        // What was sent before a crash may have been forgotten.
        let at_least_once = (entry.attempts..=entry.attempts + world.crashes).contains(&sent.attempts);
        assert!(at_least_once && entry.attempts > 0, "{body:?}: {} of {} attempts", entry.attempts, sent.attempts);
        world.tally.answers += u64::from(sent.answered);
    }
    assert_eq!(world.sent.len(), expected.len(), "nothing else was sent");
}
