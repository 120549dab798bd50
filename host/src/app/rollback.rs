//! Rolling back: one durable write. Works on the store alone, so also with the host stopped.

use std::time::Instant;

use crate::model::installation::{GenerationReason, GenerationRecord, Installation};
use crate::model::names::{Generation, InstallationName, Position};
use crate::model::time::{Clock, Timestamp};
use crate::store::{LetterIds, NewGeneration, OutboxState, Store};

use super::error::AppError;
use super::host::Host;
use super::views::rollback::{RollbackReport, RollbackRequest, RollbackSide};

/// Rows looked at in one go. So many dead letters, their large bodies left aside, fit one record of the journal.
const PAGE: usize = 200;

impl Host {
    /// Goes back to an older generation, at once: no download, no compiling, no approval.
    pub async fn rollback(
        &self,
        name: &InstallationName,
        request: RollbackRequest,
    ) -> Result<RollbackReport, AppError> {
        let in_flight = self.store.installation(name).map_or(0, |found| self.engine.in_flight(found.id));
        let mut report = roll_back(&self.store, name, request.clone(), self.clock.as_ref()).await?;
        report.events_redelivered = u64::from(in_flight);
        report.host_running = true;
        tracing::warn!(
            installation = %name, from = %report.from.version, to = %report.to.version,
            generation = %report.new_generation, by = request.by, "rolled back",
        );
        Ok(report)
    }
}

/// Makes a generation with the content of an older one, then delivers the dead letters of the one left again. From the
/// first write on, nothing that the generation left still computes takes effect.
pub async fn roll_back(
    store: &Store,
    name: &InstallationName,
    request: RollbackRequest,
    clock: &dyn Clock,
) -> Result<RollbackReport, AppError> {
    let started = Instant::now();
    let now = clock.now();
    let installation = store.installation(name).ok_or_else(|| AppError::no_installation(name))?;
    let target = target(store, &installation, request.to_generation)?;
    let details = store.generation_details(installation.id, target.generation)?;
    let details = details.map(|details| details.again()).unwrap_or_default();
    let made = store
        .put_generation(NewGeneration {
            name: name.clone(),
            rooftop: installation.rooftop.clone(),
            content: target.content.clone(),
            by: request.by.clone(),
            reason: GenerationReason::Rollback { restores: target.generation },
            note: request.reason.clone(),
            at: now,
            expected: Some(installation.active.generation),
            details,
            migration: None,
            changes_json: None,
            leave: None,
        })
        .await?;
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let left = &installation.active;
    let dead_letters_redriven = redrive(store, &installation, &request, now).await?;
    let (requests_pending, requests_sent) = requests(store, &installation)?;
    Ok(RollbackReport {
        name: name.clone(),
        from: side(left),
        to: side(&target),
        new_generation: made.active.generation,
        took_ms,
        events_redelivered: 0,
        dead_letters_redriven,
        requests_pending,
        requests_sent,
        host_running: false,
    })
}

fn target(
    store: &Store,
    installation: &Installation,
    wanted: Option<Generation>,
) -> Result<GenerationRecord, AppError> {
    let Some(wanted) = wanted else {
        return installation.previous.clone().ok_or_else(|| AppError::Refused {
            code: "nothing-to-roll-back-to",
            message: format!(
                "`{}` has no generation before {}: name one with --to, see `handoff show {}`",
                installation.name, installation.active.generation, installation.name,
            ),
        });
    };
    if wanted == installation.active.generation {
        return Err(AppError::invalid("toGeneration", format!("generation {wanted} is the active one")));
    }
    let known = store.generations(installation.id)?;
    let found = known.into_iter().find(|record| record.generation == wanted);
    found.ok_or_else(|| AppError::NotFound { what: format!("generation {wanted} of `{}`", installation.name) })
}

/// Delivers the dead letters of the generation left again, in the order in which they came.
async fn redrive(
    store: &Store,
    installation: &Installation,
    request: &RollbackRequest,
    now: Timestamp,
) -> Result<u64, AppError> {
    let left = installation.active.generation;
    let mut redriven = 0;
    let mut after = None;
    loop {
        let page = store.dead_letters(Some(installation.id), after, PAGE)?;
        after = page.last().map(|letter| (letter.installation, letter.position));
        let is_last = page.len() < PAGE;
        let letters: Vec<_> = page
            .into_iter()
            .filter(|letter| letter.generation == left)
            .map(|letter| (letter.installation, letter.position))
            .collect();
        if !letters.is_empty() {
            let reason = format!("rollback of generation {left}");
            redriven += store.redrive(LetterIds(letters), request.by.clone(), reason, now).await?.len();
        }
        if is_last {
            return Ok(u64::try_from(redriven).unwrap_or(u64::MAX));
        }
    }
}

/// Requests of the generation left: how many are still to be sent, and how many went out.
fn requests(store: &Store, installation: &Installation) -> Result<(u64, u64), AppError> {
    let (mut pending, mut sent) = (0, 0);
    let mut after: Option<Position> = None;
    loop {
        let page = store.outbox(installation.id, after, PAGE)?;
        for entry in page.iter().filter(|entry| entry.generation == installation.active.generation) {
            match entry.state {
                OutboxState::Pending { .. } => pending += 1,
                OutboxState::Answered { .. } => sent += 1,
                OutboxState::Failed { .. } | OutboxState::Held { .. } | OutboxState::Discarded { .. } => {}
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.position),
            _ => return Ok((pending, sent)),
        }
    }
}

fn side(record: &GenerationRecord) -> RollbackSide {
    RollbackSide { generation: record.generation, version: record.content.version.to_string() }
}
