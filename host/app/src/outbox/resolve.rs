//! Code that release and discard of held requests share: the selection and the durable writes, in batches.

use crate::error::AppError;
use handoff_control::outbox::{HeldPick, HeldReport, HeldRequest, OutboxId};
use handoff_model::actor::Identity;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;
use handoff_store::{HeldAction, Store, StoreError};

/// Requests per durable write. Limits how long commits wait for it.
const BATCH: usize = 500;
/// Maximum number of requests that one call selects. Another call can select the rest.
const SELECTED_MAX: usize = 100_000;

type Key = (InstallationId, Position);

pub(super) async fn resolve(
    store: &Store,
    caller: &Identity,
    request: HeldRequest,
    then: HeldAction,
    now: Timestamp,
) -> Result<HeldReport, AppError> {
    let HeldRequest { pick, by, reason } = request;
    let by = caller.acting(by.as_deref());
    let mut report = HeldReport::default();
    let keys = select(store, pick, &mut report.unknown)?;
    let reason = reason.unwrap_or_default();
    for batch in keys.chunks(BATCH) {
        let all = store.resolve_held(batch.to_vec(), then, by.clone(), reason.clone(), now).await;
        match all {
            Ok(done) => report.done += u64::try_from(done).unwrap_or(u64::MAX),
            // Another call resolved one of them meanwhile: resolve them one by one.
            Err(StoreError::NoHeldRequest(_)) => {
                for key in batch {
                    match store.resolve_held(vec![*key], then, by.clone(), reason.clone(), now).await {
                        Ok(_) => report.done += 1,
                        Err(StoreError::NoHeldRequest(_)) => report.unknown.extend(id_of(store, *key)),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(report)
}

/// The selected requests without duplicates. Ids of unknown installations go to `unknown`.
fn select(store: &Store, pick: HeldPick, unknown: &mut Vec<OutboxId>) -> Result<Vec<Key>, AppError> {
    if pick.ids.is_empty() != pick.installation.is_some() {
        let message = "expected either `ids` or `installation`, to say which held requests are meant";
        return Err(AppError::invalid("ids", message));
    }
    if let Some(name) = pick.installation {
        let installation = store.installation(&name).ok_or_else(|| AppError::no_installation(&name))?;
        let held = store.held(Some(installation.id), None, SELECTED_MAX)?;
        return Ok(held.iter().map(|entry| (entry.installation, entry.position)).collect());
    }
    if pick.ids.len() > SELECTED_MAX {
        return Err(AppError::invalid("ids", format!("{} ids; expected at most {SELECTED_MAX}", pick.ids.len())));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut keys = Vec::with_capacity(pick.ids.len());
    for id in pick.ids {
        match store.installation(&id.installation) {
            Some(installation) if seen.insert((installation.id, id.position)) => {
                keys.push((installation.id, id.position));
            }
            Some(_) => {}
            None => unknown.push(id),
        }
    }
    Ok(keys)
}

fn id_of(store: &Store, (id, position): Key) -> Option<OutboxId> {
    let installation = store.installation_by_id(id)?;
    Some(OutboxId { installation: installation.name.clone(), position })
}
