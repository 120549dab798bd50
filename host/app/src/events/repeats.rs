//! Notices ids that come again with another body: a sender that uses an id twice, or a stranger who repeats a request
//! under another id. Nothing is lost in silence: an incident says so, at most one an hour for each source. Knows bodies
//! only by their checksums.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use serde_json::json;

use crate::error::AppError;
use crate::incidents::raise::{Incident, raise};
use crate::shard::Shard;
use handoff_ingress::verify::sender_id;
use handoff_model::event::Event;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;
use handoff_store::{Appended, StoredEvent};

/// Time between two incidents of one source, in milliseconds.
const PAUSE_MS: u64 = 3_600_000;
/// Ids of webhooks whose sender does not sign them that are remembered, in all: the last ones.
const IDS_MAX: usize = 10_000;
/// Sources that are remembered. Beyond it, the oldest is forgotten.
const SOURCES_MAX: usize = 1_000;

/// What tells bodies apart.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Body {
    bytes: usize,
    sum: u32,
}

impl Body {
    pub(super) fn of(event: &Event) -> Self {
        Self { bytes: event.data.len(), sum: crc32c::crc32c(&event.data) }
    }
}

/// The id of a webhook whose sender does not sign it.
pub(super) struct UnsignedId {
    source: String,
    id: String,
}

impl UnsignedId {
    /// None if the sender signs the event's id, or gives none.
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(Self { source: event.source.clone(), id: sender_id(&event.id)?.to_owned() })
    }
}

/// A map that forgets its oldest entries.
#[derive(Default)]
struct Recent<V> {
    entries: HashMap<String, V>,
    order: VecDeque<String>,
}

impl<V> Recent<V> {
    /// Returns the value before.
    fn put(&mut self, key: String, value: V, most: usize) -> Option<V> {
        let before = self.entries.insert(key.clone(), value);
        if before.is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        before
    }
}

/// What was seen since the start.
#[derive(Default)]
pub(crate) struct Repeats {
    /// Positions by source and id, for ids that the event's id holds beside the body's digest.
    ids: Mutex<Recent<Position>>,
    /// When the last incident of a source was raised.
    raised: Mutex<Recent<Timestamp>>,
}

impl Shard {
    /// Compares what was appended with what was there. Bodies: those of the events, in the same order.
    pub(super) async fn note_repeats(&self, bodies: &[Body], appended: &[Appended]) -> Result<(), AppError> {
        for (body, appended) in bodies.iter().zip(appended) {
            if let Appended::Duplicate { position } = appended
                && let Some(first) = self.store.event(*position)?
                && Body::of(&first.event) != *body
            {
                let id = first.event.id.clone();
                let came = "and was not taken: a known id is a duplicate".to_owned();
                self.raise_repeat(&first, &id, came).await?;
            }
        }
        Ok(())
    }

    /// The same for a webhook whose id ends with the digest of its body: another body is another event.
    pub(super) async fn note_unsigned_id(&self, sent: UnsignedId, appended: Appended) -> Result<(), AppError> {
        let Appended::Accepted { position, .. } = appended else { return Ok(()) };
        let UnsignedId { source, id } = sent;
        let before = self.repeats.ids.lock().put(format!("{source} {id}"), position, IDS_MAX);
        let Some(before) = before else { return Ok(()) };
        let Some(event) = self.store.event_head(position)? else { return Ok(()) };
        let came = format!("as {position}, and both were taken: the first is {before}");
        self.raise_repeat(&event, &id, came).await
    }

    async fn raise_repeat(&self, event: &StoredEvent, id: &str, came: String) -> Result<(), AppError> {
        let (now, source) = (self.now(), &event.event.source);
        let key = format!("{} {source}", event.scope);
        let before = self.repeats.raised.lock().entries.get(&key).copied();
        if before.is_some_and(|before| now.since_ms(before) < PAUSE_MS) {
            return Ok(());
        }
        self.repeats.raised.lock().put(key, now, SOURCES_MAX);
        let installation = event.routed_to.first().and_then(|id| self.store.installation_by_id(*id));
        let incident = Incident {
            at: now,
            kind: "repeated-id".to_owned(),
            installation: installation.map(|installation| installation.name.clone()),
            message: format!(
                "`{source}` sent the id `{id}` again with another body, {came}. Either the sender uses an id for two events, or somebody \
                 repeats a request under another id"
            ),
            command: Some(format!("handoff trace {}", event.position)),
            evidence: json!({ "source": source, "id": id, "position": event.position }),
        };
        raise(&self.store, incident).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_forgotten() {
        let mut recent = Recent::default();
        for number in 0..5 {
            assert_eq!(recent.put(format!("id-{number}"), number, 3), None);
        }
        assert_eq!(recent.put("id-4".to_owned(), 9, 3), Some(4));
        assert_eq!(recent.put("id-0".to_owned(), 9, 3), None, "it was forgotten");
        assert_eq!((recent.entries.len(), recent.order.len()), (3, 3));
    }
}
