//! Converts an outbox request for the control API.

use handoff_control::outbox::{OutboxId, OutboxState, OutboxView};
use handoff_model::actor::Actor;
use handoff_model::names::InstallationName;
use handoff_store::OutboxEntry;

/// Shown in place of who discarded a request, if another request replaced it.
const REPLACED: &str = "replaced";

/// Summarizes a request.
pub(crate) fn view(installation: &InstallationName, entry: &OutboxEntry) -> OutboxView {
    let (method, url) = entry.target.split_once(' ').unwrap_or_default();
    let mut view = OutboxView {
        id: OutboxId { installation: installation.clone(), position: entry.position },
        installation: installation.clone(),
        scope: entry.scope.clone(),
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
        may_have_been_sent: entry.may_have_been_sent,
        state_undone: entry.state_undone,
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
        handoff_store::OutboxState::Held { at } => {
            view.state = OutboxState::Held;
            view.ended_at = Some((*at).into());
        }
        handoff_store::OutboxState::Discarded { at, by } => {
            view.state = OutboxState::Discarded;
            (view.ended_at, view.discarded_by) =
                (Some((*at).into()), Some(by.as_ref().map_or_else(|| REPLACED.to_owned(), Actor::to_string)));
        }
    }
    view
}
