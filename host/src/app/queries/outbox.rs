//! Requests to other systems.

use super::{PAGE, find, page_size};
use crate::app::error::AppError;
use crate::app::views::outbox::{OutboxList, OutboxQuery, OutboxState, OutboxView};
use crate::model::names::InstallationName;
use crate::store::{self, OutboxEntry, Store};

/// Requests looked at for one page: answered ones stay in the store, and a page shows others by default.
const LOOKED_AT_MAX: usize = 100_000;

/// A page of requests, by installation and age.
pub fn outbox(store: &Store, query: &OutboxQuery) -> Result<OutboxList, AppError> {
    let limit = page_size(query.limit, PAGE);
    let installations = match &query.installation {
        Some(name) => vec![find(store, name)?],
        None => store.installations(),
    };
    let mut list = OutboxList::default();
    let mut looked_at = 0;
    for installation in installations {
        let mut after = None;
        loop {
            let entries = store.outbox(installation.id, after, 500)?;
            let Some(last) = entries.last() else { break };
            after = Some(last.position);
            looked_at += entries.len();
            for view in entries.iter().map(|entry| view(&installation.name, entry)) {
                if !query.state.map_or(view.state != OutboxState::Answered, |wanted| view.state == wanted) {
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

/// One request.
pub(super) fn view(installation: &InstallationName, entry: &OutboxEntry) -> OutboxView {
    let (method, url) = entry.target.split_once(' ').unwrap_or_default();
    let (state, next_attempt_at, status, error, ended_at) = match &entry.state {
        store::OutboxState::Pending { due, last_error } => {
            (OutboxState::Pending, Some(*due), None, last_error.clone(), None)
        }
        store::OutboxState::Answered { at, status } => (OutboxState::Answered, None, Some(*status), None, Some(*at)),
        store::OutboxState::Failed { at, error } => (OutboxState::Failed, None, None, Some(error.clone()), Some(*at)),
        store::OutboxState::Held { .. } => (OutboxState::Held, None, None, None, None),
        store::OutboxState::Discarded { at, .. } => (OutboxState::Discarded, None, None, None, Some(*at)),
    };
    OutboxView {
        installation: installation.clone(),
        key: entry.key.clone(),
        state,
        method: method.to_owned(),
        url: url.to_owned(),
        at: entry.created_at.into(),
        next_attempt_at: next_attempt_at.map(Into::into),
        attempts: entry.attempts,
        status,
        error,
        ended_at: ended_at.map(Into::into),
    }
}
