//! Counts what a rollback would restore and what it cannot undo. Reads a limited number of rows. It blocks: call it off
//! the async threads.

use super::plan::Plan;
use crate::error::AppError;
use handoff_control::installations::rollback::{CannotBeUnsent, EmittedHandled, RollbackReport};
use handoff_model::event::host_types;
use handoff_model::names::{Generation, Position};
use handoff_store::{EventFilter, OutboxEntry, OutboxState, Standing, Store, StoredEvent};

/// Rows read at once.
const PAGE: usize = 500;
/// Maximum number of rows read for one count. Beyond it, the count is a lower bound, so that the response does not take
/// longer.
const LOOKED_AT_MAX: usize = 50_000;
/// Emitted events whose recipients are looked up, and those that a report lists.
const VISITED_MAX: u64 = 500;
const HANDLED_MAX: usize = 20;

/// Adds the counts of a dry run.
pub(super) fn fill(store: &Store, plan: &Plan, report: &mut RollbackReport) -> Result<(), AppError> {
    let others = on_others(store, plan)?;
    (report.unsent, report.emitted_handled, report.events_withdrawn) = (others.unsent, others.handled, others.waiting);
    each_request(store, plan, |entry| {
        report.requests_held += u64::from(matches!(entry.state, OutboxState::Pending { .. }));
    })?;
    report.dead_letters_redriven = dead_letters(store, plan)?;
    if plan.replays() {
        report.events_replayed = store.committed_since(plan.id(), plan.left().0)?;
    }
    Ok(())
}

/// Effects of the rolled-back generations on others.
#[derive(Default)]
pub(super) struct OnOthers {
    /// What cannot be undone.
    pub(super) unsent: CannotBeUnsent,
    /// The newest emitted events that others have handled.
    pub(super) handled: Vec<EmittedHandled>,
    /// Deliveries of emitted events that still wait at others, as far as they were counted.
    pub(super) waiting: u64,
}

/// Effects of the rolled-back generations on others.
pub(super) fn on_others(store: &Store, plan: &Plan) -> Result<OnOthers, AppError> {
    let mut others = OnOthers::default();
    others.unsent =
        unsent(store, plan, |event| others_of(store, plan, event, &mut others.handled, &mut others.waiting))?;
    Ok(others)
}

/// Adds what others did with an emitted event.
fn others_of(
    store: &Store,
    plan: &Plan,
    event: &StoredEvent,
    handled: &mut Vec<EmittedHandled>,
    waiting: &mut u64,
) -> Result<(), AppError> {
    if event.routed_to.iter().all(|id| *id == plan.id()) {
        return Ok(());
    }
    let mut attempts = None;
    for route in store.standings(event.position)?.into_iter().filter(|route| route.installation != plan.id()) {
        *waiting += u64::from(matches!(route.standing, Standing::Waiting | Standing::Retrying { .. }));
        if route.standing != Standing::Committed || handled.len() >= HANDLED_MAX {
            continue;
        }
        if attempts.is_none() {
            attempts = Some(store.attempts(event.position)?);
        }
        let own =
            attempts.iter().flatten().rfind(|one| one.installation == route.installation && one.failure.is_none());
        let Some((own, by)) = own.zip(store.installation_by_id(route.installation)) else { continue };
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        handled.push(EmittedHandled {
            position: event.position,
            type_name: event.event.type_name.clone(),
            installation: by.name.clone(),
            emitted: number(own.emitted.len()),
            requests: number(own.requests.len()),
            state_keys: number(own.state_keys.len()),
        });
    }
    Ok(())
}

/// Effects that cannot be undone. Visits some of the emitted events, newest first.
fn unsent(
    store: &Store,
    plan: &Plan,
    mut visit: impl FnMut(&StoredEvent) -> Result<(), AppError>,
) -> Result<CannotBeUnsent, AppError> {
    let mut done = CannotBeUnsent::default();
    let is_whole = each_request(store, plan, |entry| {
        let is_answered = matches!(entry.state, OutboxState::Answered { .. });
        done.requests_answered += u64::from(is_answered);
        done.requests_may_have_been_sent += u64::from(!is_answered && entry.may_have_been_sent);
    })?;
    done.at_least = !is_whole;
    let filter = EventFilter::default();
    // Newest first, from the end of the rolled-back generations to their beginning.
    let (begin, mut before) = (starts_at(store, plan, plan.left().0)?, ended_at(store, plan)?);
    let mut looked_at = 0;
    loop {
        // At most as many as can exist, so that the length of the log before them does not matter.
        let end = before.unwrap_or_else(|| Position(store.last_position().0.saturating_add(1)));
        let places = usize::try_from(end.0.saturating_sub(begin.0)).unwrap_or(PAGE);
        if places == 0 {
            return Ok(done);
        }
        let events = store.events(before, places.min(PAGE), &filter)?;
        for event in events.iter().filter(|event| event.position >= begin) {
            let is_its = event.cause.is_some_and(|cause| cause.installation == plan.id());
            let is_answer = event.event.type_name == host_types::OUTBOX_ANSWERED;
            let is_counted = is_its && !is_answer && event.redrive_of.is_none();
            done.events_emitted += u64::from(is_counted);
            if is_counted && done.events_emitted <= VISITED_MAX {
                visit(event)?;
            }
        }
        looked_at += events.len();
        match events.last() {
            Some(last) if last.position > begin && looked_at >= LOOKED_AT_MAX => {
                done.at_least = true;
                return Ok(done);
            }
            Some(last) if last.position > begin => before = Some(last.position),
            _ => return Ok(done),
        }
    }
}

fn dead_letters(store: &Store, plan: &Plan) -> Result<u64, AppError> {
    let (first, last) = plan.left();
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.dead_letters(Some(plan.id()), after, PAGE)?;
        let left = page.iter().filter(|letter| (first..=last).contains(&letter.generation)).count();
        count += u64::try_from(left).unwrap_or(u64::MAX);
        match page.last() {
            Some(letter) if page.len() == PAGE => after = Some((letter.installation, letter.position)),
            _ => return Ok(count),
        }
    }
}

/// Visits requests that the rolled-back generations wrote. Returns false if there are more than the limit.
fn each_request(store: &Store, plan: &Plan, mut visit: impl FnMut(&OutboxEntry)) -> Result<bool, AppError> {
    let (first, last) = plan.left();
    let begin = starts_at(store, plan, first)?;
    let (mut after, mut looked_at) = (begin.0.checked_sub(1).map(Position), 0);
    loop {
        let page = store.outbox(plan.id(), after, PAGE)?;
        page.iter().filter(|entry| (first..=last).contains(&entry.generation)).for_each(&mut visit);
        looked_at += page.len();
        match page.last() {
            Some(_) if page.len() == PAGE && looked_at >= LOOKED_AT_MAX => return Ok(false),
            Some(entry) if page.len() == PAGE => after = Some(entry.position),
            _ => return Ok(true),
        }
    }
}

/// The position of the log when a generation began; the start of the log if an older version of the host created it.
fn starts_at(store: &Store, plan: &Plan, generation: Generation) -> Result<Position, AppError> {
    let details = store.generation_details(plan.id(), generation)?;
    Ok(details.map_or(Position(0), |details| details.starts_at))
}

/// The position of the log when the last of the rolled-back generations ended; none if it is still active.
fn ended_at(store: &Store, plan: &Plan) -> Result<Option<Position>, AppError> {
    let after = Generation(plan.left().1.0.saturating_add(1));
    Ok(store.generation_details(plan.id(), after)?.map(|details| details.starts_at))
}
