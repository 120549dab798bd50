//! Lists dead letters, and finds those that a request selects.

use crate::error::AppError;
use crate::page::{PAGE, find_id, page_size};
use crate::shard::Shard;
use handoff_control::dead_letters::{DeadLetterId, DeadLetterList, DeadLetterQuery, DeadLetterView};
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, InstallationName, Position};
use handoff_store::{DeadLetter, Store};

/// Dead letters read at once.
const CHUNK: usize = 500;

impl Shard {
    /// Lists a page of dead letters by installation, oldest first.
    pub fn list_dead_letters(&self, query: &DeadLetterQuery) -> Result<DeadLetterList, AppError> {
        let installation = find_id(&self.store, query.installation.as_ref())?;
        let after = match &query.after {
            Some(id) => Some((self.find(&id.installation)?.id, id.position)),
            None => None,
        };
        let limit = page_size(query.limit, PAGE);
        let mut list = DeadLetterList::default();
        each(&self.store, installation, after, query.code.as_deref(), |letter| {
            let Some(installation) = self.store.installation_by_id(letter.installation) else { return Ok(true) };
            let view = view(&self.store, &installation, letter)?;
            if query.rooftop.as_ref().is_none_or(|wanted| view.scope == *wanted) {
                list.dead_letters.push(view);
            }
            Ok(list.dead_letters.len() < limit)
        })?;
        list.next =
            list.dead_letters.last().filter(|_| list.dead_letters.len() == limit).map(|letter| letter.id.clone());
        Ok(list)
    }
}

/// Selects up to `limit` dead letters of one or all installations, with one or any failure code, oldest first.
pub(super) fn select(
    store: &Store,
    installation: Option<&InstallationName>,
    code: Option<&str>,
    limit: usize,
) -> Result<Vec<(InstallationId, Position)>, AppError> {
    let installation = find_id(store, installation)?;
    let mut selected = Vec::new();
    each(store, installation, None, code, |letter| {
        selected.push((letter.installation, letter.position));
        Ok(selected.len() < limit)
    })?;
    Ok(selected)
}

/// Visits dead letters until `visit` returns false.
pub(super) fn each(
    store: &Store,
    installation: Option<InstallationId>,
    mut after: Option<(InstallationId, Position)>,
    code: Option<&str>,
    mut visit: impl FnMut(&DeadLetter) -> Result<bool, AppError>,
) -> Result<(), AppError> {
    loop {
        let letters = store.dead_letters(installation, after, CHUNK)?;
        for letter in letters.iter().filter(|letter| code.is_none_or(|code| letter.failure.code == code)) {
            if !visit(letter)? {
                return Ok(());
            }
        }
        match letters.last() {
            Some(last) if letters.len() == CHUNK => after = Some((last.installation, last.position)),
            _ => return Ok(()),
        }
    }
}

pub(super) fn view(
    store: &Store,
    installation: &Installation,
    letter: &DeadLetter,
) -> Result<DeadLetterView, AppError> {
    // The store keeps the event of a dead letter as long as the dead letter.
    let head = store.event_head(letter.position)?;
    let scope = head.as_ref().map(|stored| store.handled_scope(installation, &stored.scope));
    let (type_name, subject) = head.map(|stored| (stored.event.type_name, stored.event.subject)).unwrap_or_default();
    Ok(DeadLetterView {
        id: DeadLetterId { installation: installation.name.clone(), position: letter.position },
        scope: scope.unwrap_or_else(|| installation.scope.clone()),
        at: letter.at.into(),
        type_name,
        subject,
        generation: letter.generation,
        attempts: letter.attempts,
        failure: (&letter.failure).into(),
    })
}
