//! Events: a page of the log, and one with its data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Names, PAGE, find_id, page_size};
use crate::error::AppError;
use handoff_control::events::{DeliveryState, EventList, EventQuery, EventSummary, EventView, RouteView};
use handoff_model::names::Position;
use handoff_store::{EventFilter, RouteState, Standing, Store, StoredEvent};

/// A page of the log, newest first.
pub fn events(store: &Store, query: &EventQuery) -> Result<EventList, AppError> {
    let filter = EventFilter {
        type_name: query.type_name.clone(),
        source: query.source.clone(),
        installation: find_id(store, query.installation.as_ref())?,
    };
    let limit = page_size(query.limit, PAGE);
    let names = Names::of(store);
    let found = store.events(query.before, limit, &filter)?;
    let next = found.last().map(|event| event.position).filter(|_| found.len() == limit);
    let events =
        found.iter().map(|event| summary(store, &names, event)).collect::<Result<Vec<EventSummary>, AppError>>()?;
    Ok(EventList { events, next })
}

/// One event with its data.
pub fn event(store: &Store, position: Position) -> Result<EventView, AppError> {
    let stored = store.event(position)?.ok_or_else(|| no_event(store, position))?;
    let summary = summary(store, &Names::of(store), &stored)?;
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

/// Requests have places among those of events: whoever took one for an event is told.
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

/// One line about an event.
pub(super) fn summary(store: &Store, names: &Names, stored: &StoredEvent) -> Result<EventSummary, AppError> {
    let event = &stored.event;
    let standings = store.standings(stored.position)?;
    let route = |route: &RouteState| {
        Some(RouteView { installation: names.get(route.installation)?, state: state(route.standing) })
    };
    Ok(EventSummary {
        position: stored.position,
        at: stored.received_at.into(),
        id: event.id.clone(),
        source: event.source.clone(),
        type_name: event.type_name.clone(),
        subject: event.subject.clone(),
        data_bytes: stored.data_bytes,
        routes: standings.iter().filter_map(route).collect(),
    })
}

pub(super) fn state(standing: Standing) -> DeliveryState {
    match standing {
        Standing::Waiting => DeliveryState::Waiting,
        Standing::Retrying { .. } => DeliveryState::Retrying,
        Standing::Committed => DeliveryState::Committed,
        Standing::DeadLetter => DeliveryState::DeadLetter,
        Standing::Redriven { .. } => DeliveryState::Redriven,
        Standing::Discarded => DeliveryState::Discarded,
    }
}
