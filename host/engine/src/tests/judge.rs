//! Checks that need no state: fences, series of attempts, requests at the target.

use std::collections::BTreeMap;

use handoff_model::failure::host_codes;
use handoff_model::limits::EngineLimits;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_store::{AttemptRecord, OutboxState};

use super::model::{Model, Requests};
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
    // A dead letter that a rollback delivers again may fail as before, or be repaired meanwhile.
    let is_loose = stored.redrive_of.is_some() && model.went_back(place.0);
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt.attempt, number, "attempts at {place:?}");
        assert!(attempt.time >= stored.received_at && attempt.finished_at >= attempt.time);
        let Some(failure) = &attempt.failure else {
            world.tally.commits += 1;
            let next = attempts.get(usize::try_from(number).expect("few"));
            let is_undone = next.is_some_and(|next| next.generation > attempt.generation && model.is_again(place));
            assert!(next.is_none() || is_undone, "a commit ends {place:?}");
            continue;
        };
        world.tally.failures += 1;
        if is_loose {
            continue;
        }
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
        // The good version does not wait for the back-off of the bad one.
        let may_come_early = |next: Generation| model.rolls_back_between(place.0, attempt.generation, next);
        let is_in_time = next.is_some_and(|next| next.time >= retry_at || may_come_early(next.generation));
        assert!(is_in_time, "{place:?} is tried again before {retry_at}");
    }
    if is_loose {
        return;
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
    entries: &Requests,
) {
    assert!(expected.keys().eq(entries.keys()), "requests: {:?}, not {:?}", entries.keys(), expected.keys());
    for (name, body) in expected {
        let rows = &entries[name];
        let (last, replaced) = rows.split_last().expect("there is one");
        let is_replaced = |state: &OutboxState| matches!(state, OutboxState::Discarded { by: None, .. });
        assert!(replaced.iter().all(|row| is_replaced(&row.state)), "{body:?} is there twice");
        let is_given_up = matches!(last.state, OutboxState::Discarded { .. });
        assert!(!is_replaced(&last.state), "{body:?} was replaced by nothing");
        let found: Vec<_> = world.sent.iter().filter(|(_, sent)| sent.body == **body).collect();
        assert!(found.len() == 1 || (is_given_up && found.is_empty()), "{body:?} has one idempotency key");
        let Some((key, sent)) = found.first() else { continue };
        let refused = body.target.refuses;
        match &last.state {
            OutboxState::Answered { .. } => assert!(sent.answered && !refused, "{body:?}"),
            OutboxState::Failed { .. } if sent.answered => assert!(refused, "{body:?}"),
            OutboxState::Failed { .. } => assert_eq!(last.attempts, limits.outbox_max_attempts, "{body:?}"),
            OutboxState::Discarded { .. } => {}
            OutboxState::Pending { .. } | OutboxState::Held { .. } => panic!("{body:?} is still to be sent"),
        }
        // No attempt is forgotten: each one was durable before it was sent. One that a crash or a rollback interrupted
        // may or may not have arrived.
        let attempts: u32 = rows.iter().map(|row| row.attempts).sum();
        let cut = world.cut.get(*key).copied().unwrap_or_default();
        let at_least_once = sent.attempts <= attempts && attempts <= sent.attempts + world.crashes + cut;
        assert!(at_least_once, "{body:?}: {attempts} of {} attempts, {cut} cut off", sent.attempts);
        assert!(attempts > 0 || is_given_up, "{body:?} was never sent");
        world.tally.answers += u64::from(sent.answered);
    }
    assert!(world.sent.values().all(|sent| expected.values().any(|body| **body == sent.body)), "nothing else was sent");
}
