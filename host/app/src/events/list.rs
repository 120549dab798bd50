//! Lists the log, newest first.

use super::summary::summary;
use crate::error::AppError;
use crate::page::{Names, PAGE, find_id, page_size};
use crate::shard::Shard;
use handoff_control::events::{EventList, EventQuery, EventSummary};
use handoff_store::EventFilter;

impl Shard {
    /// Lists a page of the log, newest first.
    pub fn list_events(&self, query: &EventQuery) -> Result<EventList, AppError> {
        let filter = EventFilter {
            type_name: query.type_name.clone(),
            source: query.source.clone(),
            scope: query.rooftop.clone(),
            installation: find_id(&self.store, query.installation.as_ref())?,
        };
        let limit = page_size(query.limit, PAGE);
        let names = Names::of(&self.store);
        let found = self.store.events(query.before, limit, &filter)?;
        let next = found.last().map(|event| event.position).filter(|_| found.len() == limit);
        let events = found
            .iter()
            .map(|event| summary(&self.store, &names, event))
            .collect::<Result<Vec<EventSummary>, AppError>>()?;
        Ok(EventList { events, next })
    }
}
