//! Accepts events from requests, watched folders and schedules: makes them durable in the log.

use super::repeats::Body;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_store::{Appended, NewAudit, NewEvent, Recipients};

impl Shard {
    /// Accepts events. They are durable on return.
    pub async fn accept(&self, events: Vec<Incoming>) -> Result<Vec<Appended>, AppError> {
        self.accept_audited(events, None).await
    }

    /// The same for events that a person sends, with an audit entry in the same write.
    pub(crate) async fn accept_audited(
        &self,
        events: Vec<Incoming>,
        audit: Option<NewAudit>,
    ) -> Result<Vec<Appended>, AppError> {
        if self.is_stopping() {
            return Err(AppError::Stopping);
        }
        let bodies: Vec<Body> = events.iter().map(|incoming| Body::of(&incoming.event)).collect();
        let mut new = Vec::with_capacity(events.len());
        for Incoming { to, event } in events {
            let to = match to {
                Addressee::Rooftop(rooftop) => Recipients::Rooftop(rooftop),
                Addressee::Installation(name) => Recipients::Installation(self.find(&name)?.id),
            };
            new.push(NewEvent { event, to });
        }
        let appended = match audit {
            Some(audit) => self.store.append_audited(new, self.now(), audit).await?,
            None => self.store.append(new, self.now(), None).await?,
        };
        // The events are durable: what fails from here on must not make the sender repeat them.
        if let Err(error) = self.note_repeats(&bodies, &appended).await {
            tracing::warn!(error = error.chain(), "a repeated id cannot be compared with the first event");
        }
        Ok(appended)
    }
}
