//! Lists outbox requests.

use super::view::view;
use crate::error::AppError;
use crate::page::{Names, PAGE, find_id, page_size};
use crate::shard::Shard;
use handoff_control::outbox::{OutboxList, OutboxQuery, OutboxState};
use handoff_store::{OutboxEntry, Store};

/// Maximum number of requests read for one page: the store keeps answered requests, and a page omits them by default.
const LOOKED_AT_MAX: usize = 100_000;

/// Held requests read at once.
const HELD_PAGE: usize = 500;

impl Shard {
    /// Lists a page of requests by installation and age.
    pub fn list_outbox(&self, query: &OutboxQuery) -> Result<OutboxList, AppError> {
        let limit = page_size(query.limit, PAGE);
        let installations = match &query.installation {
            Some(name) => vec![self.find(name)?],
            None => self.store.installations(),
        };
        if query.state == Some(OutboxState::Held) {
            return held(&self.store, query, limit);
        }
        let mut list = OutboxList::default();
        let mut looked_at = 0;
        for installation in installations {
            let mut after = None;
            loop {
                let entries = self.store.outbox(installation.id, after, 500)?;
                let Some(last) = entries.last() else { break };
                after = Some(last.position);
                looked_at += entries.len();
                for view in entries.iter().map(|entry| view(&installation.name, entry)) {
                    let is_over = matches!(view.state, OutboxState::Answered | OutboxState::Discarded);
                    let is_wanted = query.state.map_or(!is_over, |wanted| view.state == wanted);
                    if !is_wanted || query.rooftop.as_ref().is_some_and(|wanted| view.scope != *wanted) {
                        continue;
                    }
                    if list.requests.len() == limit {
                        list.more = true;
                        return Ok(list);
                    }
                    list.requests.push(view);
                }
                if looked_at >= LOOKED_AT_MAX {
                    list.more = true;
                    return Ok(list);
                }
            }
        }
        Ok(list)
    }
}

/// Held requests have their own index, so many later requests do not hide them.
fn held(store: &Store, query: &OutboxQuery, limit: usize) -> Result<OutboxList, AppError> {
    let installation = find_id(store, query.installation.as_ref())?;
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = store.held(installation, after, HELD_PAGE)?;
        after = page.last().map(|entry| (entry.installation, entry.position));
        let is_last = page.len() < HELD_PAGE;
        let is_wanted = |entry: &OutboxEntry| query.rooftop.as_ref().is_none_or(|wanted| entry.scope == *wanted);
        entries.extend(page.into_iter().filter(is_wanted));
        if is_last || entries.len() > limit {
            break;
        }
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let names = Names::of(store);
    let view = |entry: &OutboxEntry| names.get(entry.installation).map(|name| view(&name, entry));
    Ok(OutboxList { requests: entries.iter().filter_map(view).collect(), more })
}
