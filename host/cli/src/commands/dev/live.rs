//! Shows deliveries as they end, and keeps them as cases if asked to. Reads only what the host recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::host::DevHost;
use crate::commands::shadow;
use crate::exit::CliError;
use crate::output::Output;
use crate::show;
use handoff_control::events::trace::TraceView;
use handoff_control::events::{DeliveryState, EventQuery, LIST, TRACE};
use handoff_control::operation::Nothing;
use handoff_control::shadow::{CandidateRequest, REPLAY, ReplayRequest};
use handoff_model::names::Position;

/// Events that one look reads.
const EVENTS_MAX: u32 = 200;
/// Events that are followed at the same time. Older ones are no longer.
const FOLLOWED_MAX: usize = 100;

/// What was shown so far.
pub(super) struct Live {
    last: Position,
    /// Events whose deliveries have not ended, with the number of attempts that were shown.
    open: BTreeMap<Position, usize>,
    cases: Option<PathBuf>,
}

impl Live {
    /// `cases` is the folder in which deliveries are kept.
    pub(super) fn new(cases: Option<PathBuf>) -> Self {
        Self { last: Position(0), open: BTreeMap::new(), cases }
    }

    pub(super) async fn look(&mut self, host: &DevHost, output: &mut Output) -> Result<(), CliError> {
        let query = EventQuery { limit: Some(EVENTS_MAX), ..EventQuery::default() };
        let list = host.client().get(&LIST, &[], &query).await?;
        for event in list.events.iter().rev().filter(|event| event.position > self.last) {
            if !event.routes.is_empty() {
                self.open.insert(event.position, 0);
            }
        }
        self.last = list.events.first().map_or(self.last, |event| event.position.max(self.last));
        while self.open.len() > FOLLOWED_MAX {
            self.open.pop_first();
        }
        for (position, shown) in self.open.clone() {
            let view = host.client().get(&TRACE, &[&position.to_string()], &Nothing {}).await?;
            let attempts: usize = view.deliveries.iter().map(|delivery| delivery.attempts.len()).sum();
            let has_ended = has_ended(&view);
            if attempts > shown {
                output.line(&view, |view, style| show::trace::trace(view, true, style).trim_end().to_owned())?;
                if let Err(error) = self.record(host, &view, output).await {
                    output.note(&format!("not kept as a case: {error}"));
                }
            }
            match has_ended {
                true => drop(self.open.remove(&position)),
                false => drop(self.open.insert(position, attempts)),
            }
        }
        Ok(())
    }

    /// Keeps the last attempt of each delivery as a case.
    async fn record(&self, host: &DevHost, view: &TraceView, output: &Output) -> Result<(), CliError> {
        let Some(folder) = &self.cases else { return Ok(()) };
        let request = ReplayRequest {
            installation: Some(host.name().clone()),
            attempt: None,
            candidate: CandidateRequest::default(),
            export: true,
        };
        let mut replay = host.client().post(&REPLAY, &[&view.event.position.to_string()], &request).await?;
        if let Some(case) = replay.test_case.take() {
            let path = shadow::write(folder, &replay, &case)?;
            output.note(&format!("kept as {path}"));
        }
        Ok(())
    }
}

fn has_ended(view: &TraceView) -> bool {
    let waits = |state: DeliveryState| matches!(state, DeliveryState::Waiting | DeliveryState::Retrying);
    !view.deliveries.iter().any(|delivery| waits(delivery.state))
}
