//! Code that redrive and discard of dead letters share: the selection and the durable writes, in batches.

use super::list::select;
use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_control::dead_letters::{DeadLetterId, DeadLetterReport, DeadLetterRequest};
use handoff_model::actor::{Actor, Identity};
use handoff_model::names::{InstallationId, Position};
use handoff_store::{DeadLetterIds, StoreError};

/// Dead letters per durable write. Limits how long commits wait for it.
const BATCH: usize = 200;
/// Maximum number of dead letters that one request selects. Another request can select the rest.
const SELECTED_MAX: usize = 100_000;

/// The action on the selected dead letters.
#[derive(Clone, Copy)]
pub(super) enum Action {
    Redrive,
    Discard,
}

impl Shard {
    pub(super) async fn resolve_dead_letters(
        &self,
        caller: &Identity,
        request: DeadLetterRequest,
        action: Action,
    ) -> Result<DeadLetterReport, AppError> {
        let DeadLetterRequest { pick, by, reason } = request;
        let by_rule = pick.installation.is_some() || pick.code.is_some();
        if pick.ids.is_empty() != by_rule {
            let message = "expected either `ids`, or `installation` and/or `code`, to say which dead letters are meant";
            return Err(AppError::invalid("ids", message));
        }
        let by = caller.acting(by.as_deref());
        let mut report = DeadLetterReport::default();
        let letters = if by_rule {
            let store = self.store.clone();
            let look = move || select(&store, pick.installation.as_ref(), pick.code.as_deref(), SELECTED_MAX);
            blocking(look).await??
        } else {
            self.known_dead_letters(pick.ids, &mut report.unknown)?
        };
        let reason = reason.unwrap_or_default();
        for batch in letters.chunks(BATCH) {
            report.done += self.resolve_batch(batch, &by, &reason, action, &mut report.unknown).await?;
        }
        Ok(report)
    }

    /// Resolves the dead letters in one write. If another request resolved one of them meanwhile, resolves them one by
    /// one. Returns the number resolved.
    async fn resolve_batch(
        &self,
        batch: &[(InstallationId, Position)],
        by: &Actor,
        reason: &str,
        action: Action,
        unknown: &mut Vec<DeadLetterId>,
    ) -> Result<u64, AppError> {
        match self.resolve_all(batch, by, reason, action).await {
            Ok(()) => return Ok(u64::try_from(batch.len()).unwrap_or(u64::MAX)),
            Err(StoreError::NoDeadLetter(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut done = 0;
        for letter in batch {
            match self.resolve_all(&[*letter], by, reason, action).await {
                Ok(()) => done += 1,
                Err(StoreError::NoDeadLetter(_)) => unknown.extend(self.dead_letter_id(*letter)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    async fn resolve_all(
        &self,
        letters: &[(InstallationId, Position)],
        by: &Actor,
        reason: &str,
        action: Action,
    ) -> Result<(), StoreError> {
        let letters = DeadLetterIds(letters.to_vec());
        let (by, reason, now) = (by.clone(), reason.to_owned(), self.now());
        match action {
            Action::Redrive => drop(self.store.redrive(letters, by, reason, now).await?),
            Action::Discard => drop(self.store.discard(letters, by, reason, now).await?),
        }
        Ok(())
    }

    /// The positions of the given ids, without duplicates, in the given order. Ids of unknown installations go to
    /// `unknown`.
    fn known_dead_letters(
        &self,
        ids: Vec<DeadLetterId>,
        unknown: &mut Vec<DeadLetterId>,
    ) -> Result<Vec<(InstallationId, Position)>, AppError> {
        if ids.len() > SELECTED_MAX {
            let message = format!("{} ids; expected at most {SELECTED_MAX}", ids.len());
            return Err(AppError::invalid("ids", message));
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut letters = Vec::with_capacity(ids.len());
        for id in ids {
            match self.store.installation(&id.installation) {
                Some(installation) if seen.insert((installation.id, id.position)) => {
                    letters.push((installation.id, id.position));
                }
                Some(_) => {}
                None => unknown.push(id),
            }
        }
        Ok(letters)
    }

    fn dead_letter_id(&self, (id, position): (InstallationId, Position)) -> Option<DeadLetterId> {
        let installation = self.store.installation_by_id(id)?;
        Some(DeadLetterId { installation: installation.name.clone(), position })
    }
}
