//! Searches the log. The text and what it finds are customers' data: both are only in the answer, never in a log line or
//! an error.

use std::ops::ControlFlow;

use crate::error::AppError;
use crate::page::{Names, PAGE, page_size};
use crate::shard::Shard;
use handoff_control::events::find::{FindEndView, FindRequest, FoundView};
use handoff_store::{FindQuery, Found, FoundWhat, Pattern};

/// The longest text, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

impl Shard {
    /// Checks a search before it runs.
    pub fn find_query(&self, request: &FindRequest) -> Result<FindQuery, AppError> {
        if request.text.len() > TEXT_BYTES_MAX {
            let message = format!("{} bytes; expected at most {TEXT_BYTES_MAX}", request.text.len());
            return Err(AppError::invalid("text", message));
        }
        let pattern = Pattern::new(&request.text);
        let pattern = pattern.ok_or_else(|| AppError::invalid("text", "it is empty: expected a text to find"))?;
        Ok(FindQuery {
            pattern,
            since: request.since.map(|since| since.0),
            scope: request.rooftop.clone(),
            limit: page_size(request.limit, PAGE),
        })
    }

    /// Searches the log, newest first. Ends early if `on_found` says so. Blocks: call it off the async threads.
    pub fn find_text(
        &self,
        query: &FindQuery,
        on_found: &mut dyn FnMut(FoundView) -> ControlFlow<()>,
    ) -> Result<FindEndView, AppError> {
        let names = Names::of(&self.store);
        let end = self.store.find(query, &mut |found| on_found(view(found, &names)))?;
        Ok(FindEndView { found: end.found, more: end.more, searched_bytes: end.bytes })
    }
}

fn view(found: Found, names: &Names) -> FoundView {
    let Found { position, scope, at, what, place, excerpt } = found;
    let mut view = FoundView {
        position,
        scope,
        at: at.into(),
        type_name: None,
        id: None,
        subject: None,
        installation: None,
        target: None,
        place: place.to_owned(),
        excerpt,
    };
    match what {
        FoundWhat::Event { type_name, id, subject } => {
            (view.type_name, view.id, view.subject) = (Some(type_name), Some(id), subject);
        }
        FoundWhat::Request { installation, target } => {
            (view.installation, view.target) = (names.get(installation), Some(target));
        }
    }
    view
}
