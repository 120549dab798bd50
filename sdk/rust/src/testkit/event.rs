//! Builds events for tests, with a default id and source.

use crate::{Event, Timestamp};
use serde::Serialize;

/// Starts an event of a type. Id `test-1`, source `/tests`, no data.
#[must_use]
pub fn event(type_name: impl Into<String>) -> EventBuilder {
    EventBuilder {
        event: Event { id: "test-1".into(), source: "/tests".into(), type_name: type_name.into(), ..Event::default() },
    }
}

/// Builds an [`Event`]; start with [`event`].
#[derive(Debug, Clone)]
pub struct EventBuilder {
    event: Event,
}

impl EventBuilder {
    /// Sets a JSON payload.
    ///
    /// # Panics
    /// If the value has no JSON form.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let data =
            serde_json::to_vec(value).unwrap_or_else(|error| panic!("the event's data has no JSON form: {error}"));
        self.bytes("application/json", data)
    }

    /// Sets any payload and its media type.
    #[must_use]
    pub fn bytes(mut self, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        self.event.data_content_type = Some(content_type.into());
        self.event.data = data.into();
        self
    }

    /// Sets the id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.event.id = id.into();
        self
    }

    /// Sets the source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.event.source = source.into();
        self
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// Sets the time.
    #[must_use]
    pub fn time(mut self, time: Timestamp) -> Self {
        self.event.time = Some(time);
        self
    }

    /// Sets the extension `partitionkey`.
    #[must_use]
    pub fn partition_key(self, key: impl Into<String>) -> Self {
        self.extension("partitionkey", key)
    }

    /// Sets an extension attribute.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.event.extensions.retain(|(known, _)| *known != name);
        self.event.extensions.push((name, value.into()));
        self
    }

    /// The event.
    #[must_use]
    pub fn build(self) -> Event {
        self.event
    }
}
