//! Converts one event of the log for the control API's list, with the state of each delivery.

use crate::error::AppError;
use crate::page::Names;
use handoff_control::events::{DeliveryState, EventSummary, RouteView};
use handoff_store::{RouteState, Standing, Store, StoredEvent};

/// Summarizes one event.
pub(super) fn summary(store: &Store, names: &Names, stored: &StoredEvent) -> Result<EventSummary, AppError> {
    let event = &stored.event;
    let standings = store.standings(stored.position)?;
    let route = |route: &RouteState| {
        Some(RouteView { installation: names.get(route.installation)?, state: state(route.standing) })
    };
    Ok(EventSummary {
        position: stored.position,
        at: stored.received_at.into(),
        scope: stored.scope.clone(),
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
        Standing::Uninstalled => DeliveryState::Uninstalled,
    }
}
