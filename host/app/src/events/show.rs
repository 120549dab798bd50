//! Shows one event with its data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::summary::summary;
use crate::error::AppError;
use crate::page::Names;
use crate::shard::Shard;
use handoff_control::events::EventView;
use handoff_model::names::Position;
use handoff_store::Store;

impl Shard {
    /// Shows one event with its data.
    pub fn show_event(&self, position: Position) -> Result<EventView, AppError> {
        let stored = self.store.event(position)?.ok_or_else(|| no_event(&self.store, position))?;
        let summary = summary(&self.store, &Names::of(&self.store), &stored)?;
        let event = stored.event;
        let (data, data_base64) = match String::from_utf8(event.data) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Ok(EventView {
            summary,
            time: event.time.map(Into::into),
            data_content_type: event.data_content_type,
            data_schema: event.data_schema,
            extensions: event.extensions,
            caused_by: stored.cause.map(|cause| cause.position),
            redrive_of: stored.redrive_of,
            data,
            data_base64,
        })
    }
}

/// Outbox requests and events share one sequence of positions. The error says if the position is that of an outbox
/// request.
pub(super) fn no_event(store: &Store, position: Position) -> AppError {
    let is_request = |id| store.outbox_entry(id, position).is_ok_and(|entry| entry.is_some());
    let why = match store.installations().iter().find(|installation| is_request(installation.id)) {
        Some(installation) => {
            format!("it is an outbox request: `handoff outbox show {}/{position}` names its event", installation.name)
        }
        None => "it never was, or retention let it go".to_owned(),
    };
    AppError::NotFound { what: format!("event at position {position}: {why}") }
}
