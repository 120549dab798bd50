//! Requests to other systems.

use super::{Names, PAGE, find, find_id, page_size};
use crate::error::AppError;
use handoff_control::outbox::{
    BODY_BYTES_MAX, CauseView, HeaderView, OutboxId, OutboxList, OutboxQuery, OutboxRequestView, OutboxState,
    OutboxView,
};
use handoff_engine::idempotency_key;
use handoff_model::effects::OutboxRequest;
use handoff_model::names::InstallationName;
use handoff_store::{OutboxEntry, Store};

/// Requests looked at for one page: answered ones stay in the store, and a page shows others by default.
const LOOKED_AT_MAX: usize = 100_000;

/// A page of requests, by installation and age.
pub fn outbox(store: &Store, query: &OutboxQuery) -> Result<OutboxList, AppError> {
    let limit = page_size(query.limit, PAGE);
    let installations = match &query.installation {
        Some(name) => vec![find(store, name)?],
        None => store.installations(),
    };
    if query.state == Some(OutboxState::Held) {
        return held(store, query, limit);
    }
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
                let is_over = matches!(view.state, OutboxState::Answered | OutboxState::Discarded);
                if !query.state.map_or(!is_over, |wanted| view.state == wanted) {
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

/// One request with what it holds.
pub fn request(store: &Store, id: &OutboxId) -> Result<OutboxRequestView, AppError> {
    let installation = find(store, &id.installation)?;
    let entry = store.outbox_entry(installation.id, id.position)?.ok_or_else(|| no_request(store, id))?;
    let kept = store.outbox_request(installation.id, id.position)?;
    let cause = store.event_head(entry.cause)?.map(|stored| CauseView {
        position: stored.position,
        id: stored.event.id,
        source: stored.event.source,
        type_name: stored.event.type_name,
        subject: stored.event.subject,
    });
    let mut request = OutboxRequestView {
        request: view(&installation.name, &entry),
        kept: kept.is_some(),
        idempotency_key: idempotency_key(&installation, &entry.key),
        auth: None,
        headers: Vec::new(),
        body: None,
        body_bytes: 0,
        body_cut: false,
        partition_key: None,
        wants_answer: false,
        answered_as: store.answer_of(installation.id, id.position)?,
        cause,
    };
    if let Some(OutboxRequest { request: content, answer, partition_key, .. }) = kept {
        let header = |(name, value): (String, String)| HeaderView { name, value };
        request.auth = content.auth;
        request.headers = content.headers.into_iter().map(header).collect();
        (request.wants_answer, request.partition_key) = (answer, partition_key);
        let body = content.body.unwrap_or_default();
        request.body_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        request.body = String::from_utf8(body).ok().filter(|text| !text.is_empty());
        if let Some(text) = request.body.as_mut().filter(|text| text.len() > BODY_BYTES_MAX) {
            text.truncate(text.floor_char_boundary(BODY_BYTES_MAX));
            request.body_cut = true;
        }
    }
    Ok(request)
}

fn no_request(store: &Store, id: &OutboxId) -> AppError {
    let is_event = store.event_head(id.position).is_ok_and(|event| event.is_some());
    let hint = if is_event { format!("; {0} is an event: `handoff events {0}`", id.position) } else { String::new() };
    AppError::NotFound { what: format!("outbox request {id}: it never was, or retention let it go{hint}") }
}

/// Held requests have an index of their own: they are found whatever else was sent since.
fn held(store: &Store, query: &OutboxQuery, limit: usize) -> Result<OutboxList, AppError> {
    let installation = find_id(store, query.installation.as_ref())?;
    let mut entries = store.held(installation, None, limit.saturating_add(1))?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let names = Names::of(store);
    let view = |entry: &OutboxEntry| names.get(entry.installation).map(|name| view(&name, entry));
    Ok(OutboxList { requests: entries.iter().filter_map(view).collect(), more })
}

/// One request.
pub(super) fn view(installation: &InstallationName, entry: &OutboxEntry) -> OutboxView {
    let (method, url) = entry.target.split_once(' ').unwrap_or_default();
    let mut view = OutboxView {
        id: OutboxId { installation: installation.clone(), position: entry.position },
        installation: installation.clone(),
        generation: entry.generation,
        key: entry.key.clone(),
        caused_by: Some(entry.cause),
        state: OutboxState::Pending,
        method: method.to_owned(),
        url: url.to_owned(),
        at: entry.created_at.into(),
        next_attempt_at: None,
        attempts: entry.attempts,
        status: None,
        error: None,
        ended_at: None,
        on_the_wire: None,
        discarded_by: None,
    };
    match &entry.state {
        handoff_store::OutboxState::Pending { due, last_error } => {
            view.next_attempt_at = Some((*due).into());
            view.error.clone_from(last_error);
        }
        handoff_store::OutboxState::Answered { at, status } => {
            view.state = OutboxState::Answered;
            (view.ended_at, view.status) = (Some((*at).into()), Some(*status));
        }
        handoff_store::OutboxState::Failed { at, error } => {
            view.state = OutboxState::Failed;
            (view.ended_at, view.error) = (Some((*at).into()), Some(error.clone()));
        }
        handoff_store::OutboxState::Held { at, on_the_wire } => {
            view.state = OutboxState::Held;
            (view.ended_at, view.on_the_wire) = (Some((*at).into()), Some(*on_the_wire));
        }
        handoff_store::OutboxState::Discarded { at, by } => {
            view.state = OutboxState::Discarded;
            (view.ended_at, view.discarded_by) = (Some((*at).into()), Some(by.clone()));
        }
    }
    view
}
