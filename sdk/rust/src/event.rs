//! Incoming and outgoing events: CloudEvents 1.0 (specification 1.0.2, section 3) without the wire format, which is the
//! host's.

use crate::connector::parse_json;
use crate::{Failure, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An event as a connector receives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Unique together with `source`: the host drops a second event with the same pair.
    pub id: String,
    /// URI reference of the system or installation that the event comes from.
    pub source: String,
    /// What happened, for example `com.handoff.lead.received.v1`.
    pub type_name: String,
    /// The subject of the event, in the terms of the source.
    pub subject: Option<String>,
    /// When it happened, if the source states it.
    pub time: Option<Timestamp>,
    /// Media type of `data`; absent means unknown.
    pub data_content_type: Option<String>,
    /// URI of the schema of `data`.
    pub data_schema: Option<String>,
    /// Extension attributes, names in lower case.
    pub extensions: Vec<(String, String)>,
    /// The payload, at most 8 MiB; empty if the event has none.
    pub data: Vec<u8>,
}

impl Event {
    /// The payload as JSON.
    ///
    /// # Errors
    /// Rejects the event as `invalid-data` and names the field: the same bytes can never become valid.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse_json(&self.data).map_err(|problem| {
            Failure::reject("invalid-data", format!("data of the event `{}`{problem}", self.type_name))
        })
    }

    /// An extension attribute.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The key that orders deliveries: events with the same key are delivered one after another.
    #[must_use]
    pub fn partition_key(&self) -> Option<&str> {
        self.extension("partitionkey")
    }
}

/// An event that a connector emits; the host adds `id`, `source` and the hop count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened. `connector.toml` must list it under `emits`.
    pub type_name: String,
    /// The subject.
    pub subject: Option<String>,
    /// When it happened; the default is the delivery's time.
    pub time: Option<Timestamp>,
    /// Media type of `data`.
    pub data_content_type: Option<String>,
    /// URI of the schema of `data`.
    pub data_schema: Option<String>,
    /// Orders deliveries of the new event; by default there is no order.
    pub partition_key: Option<String>,
    /// Further extension attributes: names consist of lower-case letters and digits.
    pub extensions: Vec<(String, String)>,
    /// The payload, at most 1 MiB.
    pub data: Vec<u8>,
}

impl NewEvent {
    /// An event with a JSON payload.
    ///
    /// # Errors
    /// Rejects as `not-json` if the value has no JSON form, for example a map whose keys are not strings.
    pub fn json<T: Serialize + ?Sized>(type_name: impl Into<String>, data: &T) -> Result<Self, Failure> {
        let type_name = type_name.into();
        let data = serde_json::to_vec(data)
            .map_err(|error| Failure::reject("not-json", format!("data of the new event `{type_name}`: {error}")))?;
        Ok(Self::bytes(type_name, "application/json", data))
    }

    /// An event with any payload and its media type.
    pub fn bytes(type_name: impl Into<String>, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            type_name: type_name.into(),
            data_content_type: Some(content_type.into()),
            data: data.into(),
            ..Self::default()
        }
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Orders the event after earlier ones with the same key.
    #[must_use]
    pub fn partition_key(mut self, key: impl Into<String>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// Sets the time.
    #[must_use]
    pub fn time(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Sets the URI of the payload's schema.
    #[must_use]
    pub fn data_schema(mut self, uri: impl Into<String>) -> Self {
        self.data_schema = Some(uri.into());
        self
    }

    /// Adds an extension attribute.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.push((name.into(), value.into()));
        self
    }
}
