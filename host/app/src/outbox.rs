//! Outbox requests: look at one; send held ones after all, or give them up, by id or by installation. Works on the store alone, so also
//! with the host stopped.

use std::borrow::Cow;

use super::error::AppError;
use super::host::Host;
use super::queries;
use handoff_control::outbox::{HeldPick, HeldReport, HeldRequest, OutboxId, OutboxRequestView};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::{Clock, Timestamp};
use handoff_store::{Settle, Store, StoreError};

/// Requests of one durable write: bounds how long commits wait for it.
const BATCH: usize = 500;
/// Requests that one call may mean: more are picked by asking again.
const PICKED_MAX: usize = 100_000;

type Place = (InstallationId, Position);

impl Host {
    /// One request with what it holds. What was written never held a secret; if it did all the same, nobody needs to see it.
    pub fn outbox_request(&self, id: &OutboxId) -> Result<OutboxRequestView, AppError> {
        let mut view = queries::outbox::request(&self.store, id)?;
        let clean = |text: &mut String| {
            if let Cow::Owned(clean) = self.secrets.redactor().text(text) {
                *text = clean;
            }
        };
        clean(&mut view.request.url);
        view.request.error.iter_mut().chain(&mut view.body).for_each(clean);
        view.headers.iter_mut().for_each(|header| clean(&mut header.value));
        Ok(view)
    }

    /// Sends held requests after all, with the idempotency keys that they have.
    pub async fn release_held(&self, request: HeldRequest) -> Result<HeldReport, AppError> {
        release(&self.store, request, self.clock.as_ref()).await
    }

    /// Gives held requests up, for good.
    pub async fn discard_held(&self, request: HeldRequest) -> Result<HeldReport, AppError> {
        discard(&self.store, request, self.clock.as_ref()).await
    }
}

/// Sends held requests after all, once a host runs.
pub async fn release(store: &Store, request: HeldRequest, clock: &dyn Clock) -> Result<HeldReport, AppError> {
    settle(store, request, Settle::Release, clock.now()).await
}

/// Gives held requests up, for good.
pub async fn discard(store: &Store, request: HeldRequest, clock: &dyn Clock) -> Result<HeldReport, AppError> {
    if request.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(AppError::invalid("reason", "`reason` is missing: say why these may be given up"));
    }
    settle(store, request, Settle::Discard, clock.now()).await
}

async fn settle(store: &Store, request: HeldRequest, then: Settle, now: Timestamp) -> Result<HeldReport, AppError> {
    let HeldRequest { pick, by, reason } = request;
    if by.trim().is_empty() {
        return Err(AppError::invalid("by", "`by` is empty: say who asks, for the history"));
    }
    let mut report = HeldReport::default();
    let places = picked(store, pick, &mut report.unknown)?;
    let reason = reason.unwrap_or_default();
    for batch in places.chunks(BATCH) {
        let all = store.settle_held(batch.to_vec(), then, by.clone(), reason.clone(), now).await;
        match all {
            Ok(done) => report.done += u64::try_from(done).unwrap_or(u64::MAX),
            // Someone else settled one meanwhile: one by one.
            Err(StoreError::NoHeldRequest(_)) => {
                for place in batch {
                    match store.settle_held(vec![*place], then, by.clone(), reason.clone(), now).await {
                        Ok(_) => report.done += 1,
                        Err(StoreError::NoHeldRequest(_)) => report.unknown.extend(id_of(store, *place)),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(report)
}

/// The places that a pick means, each once. Ids of unknown installations go to `unknown`.
fn picked(store: &Store, pick: HeldPick, unknown: &mut Vec<OutboxId>) -> Result<Vec<Place>, AppError> {
    if pick.ids.is_empty() != pick.installation.is_some() {
        let message = "expected either `ids` or `installation`, to say which held requests are meant";
        return Err(AppError::invalid("ids", message));
    }
    if let Some(name) = pick.installation {
        let installation = store.installation(&name).ok_or_else(|| AppError::no_installation(&name))?;
        let held = store.held(Some(installation.id), None, PICKED_MAX)?;
        return Ok(held.iter().map(|entry| (entry.installation, entry.position)).collect());
    }
    if pick.ids.len() > PICKED_MAX {
        return Err(AppError::invalid("ids", format!("{} ids; expected at most {PICKED_MAX}", pick.ids.len())));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut places = Vec::with_capacity(pick.ids.len());
    for id in pick.ids {
        match store.installation(&id.installation) {
            Some(installation) if seen.insert((installation.id, id.position)) => {
                places.push((installation.id, id.position));
            }
            Some(_) => {}
            None => unknown.push(id),
        }
    }
    Ok(places)
}

fn id_of(store: &Store, (id, position): Place) -> Option<OutboxId> {
    let installation = store.installation_by_id(id)?;
    Some(OutboxId { installation: installation.name.clone(), position })
}
