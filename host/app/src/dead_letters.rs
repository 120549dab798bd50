//! Dead letters: deliver them again, or give them up, by id or by installation and code.

use super::error::AppError;
use super::host::Host;
use super::queries::dead_letters::picked;
use handoff_control::dead_letters::{DeadLetterId, DeadLetterReport, DeadLetterRequest};
use handoff_model::names::{InstallationId, Position};
use handoff_store::{DeadLetterIds, StoreError};

/// Dead letters of one durable write: bounds how long commits wait for it.
const BATCH: usize = 200;
/// Dead letters that one request may mean: more are picked by asking again.
const PICKED_MAX: usize = 100_000;

impl Host {
    /// Delivers dead letters again, oldest first per installation.
    pub async fn redrive(&self, request: DeadLetterRequest) -> Result<DeadLetterReport, AppError> {
        self.settle(request, false).await
    }

    /// Gives dead letters up, for good.
    pub async fn discard(&self, request: DeadLetterRequest) -> Result<DeadLetterReport, AppError> {
        if request.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            let message = "`reason` is missing: say why these may be given up";
            return Err(AppError::invalid("reason", message));
        }
        self.settle(request, true).await
    }

    async fn settle(&self, request: DeadLetterRequest, discard: bool) -> Result<DeadLetterReport, AppError> {
        let DeadLetterRequest { pick, by, reason } = request;
        let by_rule = pick.installation.is_some() || pick.code.is_some();
        if pick.ids.is_empty() != by_rule {
            let message = "expected either `ids`, or `installation` and/or `code`, to say which dead letters are meant";
            return Err(AppError::invalid("ids", message));
        }
        if by.trim().is_empty() {
            return Err(AppError::invalid("by", "`by` is empty: say who asks, for the history"));
        }
        let mut report = DeadLetterReport::default();
        let letters = if by_rule {
            let store = self.store().clone();
            let look = move || picked(&store, pick.installation.as_ref(), pick.code.as_deref(), PICKED_MAX);
            tokio::task::spawn_blocking(look).await.map_err(|error| AppError::Internal(error.to_string()))??
        } else {
            self.known(pick.ids, &mut report.unknown)?
        };
        let reason = reason.unwrap_or_default();
        for batch in letters.chunks(BATCH) {
            report.done += self.settle_batch(batch, &by, &reason, discard, &mut report.unknown).await?;
        }
        Ok(report)
    }

    /// Settles them together; if one was settled by someone else meanwhile, one by one. Returns how many it did.
    async fn settle_batch(
        &self,
        batch: &[(InstallationId, Position)],
        by: &str,
        reason: &str,
        discard: bool,
        unknown: &mut Vec<DeadLetterId>,
    ) -> Result<u64, AppError> {
        match self.settle_all(batch, by, reason, discard).await {
            Ok(()) => return Ok(u64::try_from(batch.len()).unwrap_or(u64::MAX)),
            Err(StoreError::NoDeadLetter(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut done = 0;
        for letter in batch {
            match self.settle_all(&[*letter], by, reason, discard).await {
                Ok(()) => done += 1,
                Err(StoreError::NoDeadLetter(_)) => unknown.extend(self.id_of(*letter)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    async fn settle_all(
        &self,
        letters: &[(InstallationId, Position)],
        by: &str,
        reason: &str,
        discard: bool,
    ) -> Result<(), StoreError> {
        let letters = DeadLetterIds(letters.to_vec());
        if discard {
            self.store().discard(letters, by.to_owned(), reason.to_owned(), self.clock().now()).await?;
        } else {
            self.store().redrive(letters, by.to_owned(), reason.to_owned(), self.clock().now()).await?;
        }
        Ok(())
    }

    /// The places that ids mean, each once, in the order given. Ids of unknown installations go to `unknown`.
    fn known(
        &self,
        ids: Vec<DeadLetterId>,
        unknown: &mut Vec<DeadLetterId>,
    ) -> Result<Vec<(InstallationId, Position)>, AppError> {
        if ids.len() > PICKED_MAX {
            let message = format!("{} ids; expected at most {PICKED_MAX}", ids.len());
            return Err(AppError::invalid("ids", message));
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut letters = Vec::with_capacity(ids.len());
        for id in ids {
            match self.store().installation(&id.installation) {
                Some(installation) if seen.insert((installation.id, id.position)) => {
                    letters.push((installation.id, id.position));
                }
                Some(_) => {}
                None => unknown.push(id),
            }
        }
        Ok(letters)
    }

    fn id_of(&self, (id, position): (InstallationId, Position)) -> Option<DeadLetterId> {
        let installation = self.store().installation_by_id(id)?;
        Some(DeadLetterId { installation: installation.name.clone(), position })
    }
}
