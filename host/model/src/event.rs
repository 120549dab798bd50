//! CloudEvents 1.0 events as the host holds them. It knows the rules of the attributes, not how events are transported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The extension attribute that orders deliveries (CloudEvents Partitioning extension).
pub const PARTITION_KEY: &str = "partitionkey";
/// The extension attribute in which the host counts hops: how many events led to this one.
pub const HOP_COUNT: &str = "handoffhops";

/// Event types that only the host emits. Each such event is addressed to one installation.
pub mod host_types {
    /// A webhook's raw body.
    pub const HOOK_RECEIVED: &str = "com.handoff.hook.received.v1";
    /// A file from a watched folder.
    pub const FILE_DROPPED: &str = "com.handoff.file.dropped.v1";
    /// A schedule's tick.
    pub const SCHEDULE_TICKED: &str = "com.handoff.schedule.ticked.v1";
    /// The answer to an outbox request.
    pub const OUTBOX_ANSWERED: &str = "com.handoff.outbox.answered.v1";
}

/// A CloudEvents 1.0 event (specification 1.0.2, section 3). `specversion` is always "1.0".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique together with `source`. 1 to 256 bytes.
    pub id: String,
    /// URI reference. 1 to 512 bytes.
    pub source: String,
    /// The attribute `type`. 1 to 256 bytes.
    pub type_name: String,
    /// At most 512 bytes.
    pub subject: Option<String>,
    /// When it happened, if the source states it.
    pub time: Option<Timestamp>,
    /// Media type of `data`.
    pub data_content_type: Option<String>,
    /// URI of the schema of `data`.
    pub data_schema: Option<String>,
    /// Extension attributes: name → canonical string form. At most 32.
    pub extensions: BTreeMap<String, String>,
    /// The payload; empty if there is none.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// An event breaks a rule of CloudEvents or a limit of the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute `{attribute}`: {problem}")]
pub struct EventError {
    /// The attribute at fault.
    pub attribute: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl Event {
    /// The key that orders deliveries, if the event has one.
    #[must_use]
    pub fn partition_key(&self) -> Option<&str> {
        self.extensions.get(PARTITION_KEY).map(String::as_str).filter(|key| !key.is_empty())
    }

    /// Number of deliveries between this event and the event from outside.
    #[must_use]
    pub fn hop_count(&self) -> u32 {
        self.extensions.get(HOP_COUNT).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The event as it would be if it had been emitted together with `earlier`: `clock` is the time of its own
    /// delivery, which the host sets if the connector gives no time.
    #[must_use]
    pub fn timed_as(mut self, earlier: &Self, clock: Timestamp) -> Self {
        if self.time == Some(clock) {
            self.time = earlier.time;
        }
        self
    }

    /// Checks every attribute. The caller checks the size of the data: its limit depends on the source.
    pub fn check(&self) -> Result<(), EventError> {
        text("id", &self.id, 1, 256)?;
        text("source", &self.source, 1, 512)?;
        text("type", &self.type_name, 1, 256)?;
        for (name, value, bound) in [
            ("subject", &self.subject, 512),
            ("datacontenttype", &self.data_content_type, 256),
            ("dataschema", &self.data_schema, 512),
        ] {
            if let Some(value) = value {
                text(name, value, 1, bound)?;
            }
        }
        if self.extensions.len() > 32 {
            return Err(fault("extensions", format!("{} attributes; expected at most 32", self.extensions.len())));
        }
        for (name, value) in &self.extensions {
            check_extension_name(name)?;
            text(name, value, 0, 1024)?;
        }
        Ok(())
    }
}

/// The longest name of an extension, in characters. CloudEvents advises at most 20, and senders use longer ones
/// (specification 1.0.2, section 3.1: SHOULD NOT).
const EXTENSION_NAME_CHARS_MAX: usize = 64;

/// Extension names are lower-case letters and digits, and none that CloudEvents defines itself (specification 1.0.2,
/// section 3.1).
pub fn check_extension_name(name: &str) -> Result<(), EventError> {
    const OWN: [&str; 9] =
        ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"];
    let legal = (1..=EXTENSION_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !legal {
        return Err(fault(
            name,
            format!(
                "is not a valid extension name: expected 1 to {EXTENSION_NAME_CHARS_MAX} lower-case letters and digits"
            ),
        ));
    }
    if OWN.contains(&name) {
        return Err(fault(name, "is an attribute of CloudEvents itself, not an extension".to_owned()));
    }
    Ok(())
}

fn text(attribute: &str, value: &str, least: usize, most: usize) -> Result<(), EventError> {
    if value.len() < least || value.len() > most {
        return Err(fault(attribute, format!("has {} bytes; expected {least} to {most}", value.len())));
    }
    if value.chars().any(char::is_control) {
        return Err(fault(attribute, "contains a control character; expected printable text".to_owned()));
    }
    Ok(())
}

fn fault(attribute: &str, problem: String) -> EventError {
    EventError { attribute: attribute.chars().take(40).collect(), problem }
}
