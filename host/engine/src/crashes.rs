//! Recognizes a crash that repeats: with the same inputs, the connector ends as before however often it runs, so the event
//! becomes a dead letter instead of holding up its queue until the last attempt.

use handoff_model::failure::{Failure, host_codes};
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_store::{RecordedDelivery, Store, StoreError};

/// A failed attempt that is not recorded yet.
pub(super) struct Failing<'a> {
    pub(super) installation: InstallationId,
    pub(super) position: Position,
    pub(super) generation: Generation,
    /// From 1.
    pub(super) attempt: u32,
    pub(super) failure: &'a Failure,
    pub(super) exchanges: &'a [Exchange],
}

impl Failing<'_> {
    /// The failure of a dead letter, if this attempt and the one before it crashed in the same way: in the same generation,
    /// with the same code, at the same place and after the same answers to look-ups. If the recording of the one before was
    /// dropped, nothing is known.
    pub(super) fn given_up(&self, store: &Store) -> Result<Option<Failure>, StoreError> {
        if self.attempt < 2 || !may_repeat(self.failure, self.exchanges) {
            return Ok(None);
        }
        let before = self.attempt - 1;
        let recordings = store.recordings_of(self.installation, self.position)?;
        let Some(place) = recordings.into_iter().find(|place| place.attempt == before) else { return Ok(None) };
        let recorded = store.recorded(place)?;
        Ok(recorded.filter(|recorded| self.is_like(recorded)).map(|_| {
            let message = format!(
                "{}; attempts {before} and {} ended alike after the same inputs, so there are no further ones",
                self.failure.message, self.attempt
            );
            Failure { message, ..self.failure.clone() }
        }))
    }

    fn is_like(&self, recorded: &RecordedDelivery) -> bool {
        // A code's message says where in the guest it happened.
        recorded.generation == self.generation
            && recorded.outcome.as_ref().err() == Some(self.failure)
            && recorded.exchanges.len() == self.exchanges.len()
            // How long an answer took may differ.
            && recorded.exchanges.iter().zip(self.exchanges).all(|(earlier, now)| {
                (&earlier.request, &earlier.result) == (&now.request, &now.result)
            })
    }
}

/// Whether the inputs alone decide that a call ends like this. A deadline may be a slow look-up; an instance may not start
/// for lack of room.
fn may_repeat(failure: &Failure, exchanges: &[Exchange]) -> bool {
    use host_codes::{DEADLINE, INSTANTIATION};
    match failure.code.as_str() {
        INSTANTIATION => false,
        DEADLINE => exchanges.is_empty(),
        _ => failure.is_crash(),
    }
}
