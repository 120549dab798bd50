//! Traces an event: its deliveries, the changes of each delivery, and the same for all events that these deliveries
//! emitted.

use std::collections::{BTreeMap, BTreeSet};

use super::show::no_event;
use super::summary::{state, summary};
use crate::error::AppError;
use crate::outbox::view::view;
use crate::page::Names;
use crate::shard::Shard;
use handoff_control::events::trace::{
    AttemptOutcome, DEPTH_MAX, EVENTS_MAX, EmittedBefore, EmittedField, LookUpView, OutboxEffect, StateEffect,
    TimerEffect, TraceAttempt, TraceDelivery, TraceEffects, TraceView,
};
use handoff_control::host::logs::LogView;
use handoff_engine::shadow::{FieldChange, between_events};
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_store::{AttemptRecord, RepeatedEvent, RouteState, Standing, Store, TimerRef};

impl Shard {
    /// Traces an event, its deliveries, and all events that they emitted, recursively.
    pub fn trace_event(&self, position: Position) -> Result<TraceView, AppError> {
        let store = &self.store;
        let mut tracer =
            Tracer { store, names: Names::of(store), versions: BTreeMap::new(), seen: BTreeSet::new(), depth: 0 };
        match tracer.event(position)? {
            Some(view) => Ok(view),
            None => Err(no_event(store, position)),
        }
    }
}

struct Tracer<'s> {
    store: &'s Store,
    names: Names,
    versions: BTreeMap<InstallationId, BTreeMap<Generation, String>>,
    /// Every event has one cause, so none appears twice. The set limits the size of the trace and guards against
    /// damaged data.
    seen: BTreeSet<Position>,
    depth: u32,
}

impl Tracer<'_> {
    /// `None` if the store no longer keeps the event.
    fn event(&mut self, position: Position) -> Result<Option<TraceView>, AppError> {
        let Some(stored) = self.store.event_head(position)? else { return Ok(None) };
        let event = summary(self.store, &self.names, &stored)?;
        let is_new = self.seen.insert(position);
        if !is_new || self.depth >= DEPTH_MAX || self.seen.len() > EVENTS_MAX {
            let cut = !event.routes.is_empty();
            return Ok(Some(TraceView { event, deliveries: Vec::new(), cut }));
        }
        self.depth += 1;
        let deliveries = self.deliveries(position, &stored.scope);
        self.depth -= 1;
        Ok(Some(TraceView { event, deliveries: deliveries?, cut: false }))
    }

    fn deliveries(&mut self, position: Position, scope: &Scope) -> Result<Vec<TraceDelivery>, AppError> {
        let all = self.store.attempts(position)?;
        let mut deliveries = Vec::new();
        for route in self.store.standings(position)? {
            let Some(receiver) = self.store.last_known(route.installation) else { continue };
            let own: Vec<&AttemptRecord> =
                all.iter().filter(|attempt| attempt.installation == route.installation).collect();
            let (attempts, effects) = self.attempts(&own, matches!(route.standing, Standing::Committed))?;
            let redriven_as = match route.standing {
                Standing::Redriven { position } => Some(position),
                _ => None,
            };
            let redriven = redriven_as.map(|position| self.event(position)).transpose()?.flatten().map(Box::new);
            deliveries.push(TraceDelivery {
                installation: receiver.name.clone(),
                scope: receiver.scope.clone(),
                shared: self.store.is_shared(&receiver, scope),
                state: state(route.standing),
                next_attempt_at: next_attempt(route),
                redriven_as,
                redriven,
                attempts,
                effects,
            });
        }
        Ok(deliveries)
    }

    /// All attempts of an installation at an event, and the changes of the last one if it ended the delivery. Changes
    /// of earlier attempts appear with those attempts: a rollback has the event delivered again.
    fn attempts(
        &mut self,
        own: &[&AttemptRecord],
        is_done: bool,
    ) -> Result<(Vec<TraceAttempt>, Option<TraceEffects>), AppError> {
        let mut attempts = Vec::with_capacity(own.len());
        for record in own {
            let mut attempt = self.attempt(record)?;
            if record.failure.is_none() {
                attempt.effects = Some(self.effects(record, own)?);
            }
            attempts.push(attempt);
        }
        let effects = attempts.last_mut().filter(|_| is_done).and_then(|last| last.effects.take());
        Ok((attempts, effects))
    }

    fn attempt(&mut self, record: &AttemptRecord) -> Result<TraceAttempt, AppError> {
        let log = |line: &handoff_model::effects::LogLine| LogView {
            at: record.finished_at.into(),
            level: line.level,
            installation: None,
            position: None,
            message: line.message.clone(),
            fields: line.fields.clone(),
        };
        Ok(TraceAttempt {
            attempt: record.attempt,
            generation: record.generation,
            version: self.version(record.installation, record.generation)?,
            at: record.time.into(),
            duration_ms: f64::from(u32::try_from(record.duration_us).unwrap_or(u32::MAX)) / 1_000.0,
            outcome: if record.failure.is_none() { AttemptOutcome::Committed } else { AttemptOutcome::Failed },
            failure: record.failure.as_ref().map(Into::into),
            look_ups: record.exchanges.iter().map(look_up).collect(),
            logs: record.logs.iter().map(log).collect(),
            effects: None,
        })
    }

    /// The changes of one attempt. `own` are all attempts of the installation at the event.
    fn effects(&mut self, record: &AttemptRecord, own: &[&AttemptRecord]) -> Result<TraceEffects, AppError> {
        let bytes = |size: &Option<usize>| size.map(|size| u64::try_from(size).unwrap_or(u64::MAX));
        let state = record.state_keys.iter();
        let state = state.map(|(key, size)| StateEffect { key: key.clone(), bytes: bytes(size) }).collect();
        let mut emitted = Vec::new();
        for event in &record.emitted {
            emitted.extend(self.event(event.position)?);
        }
        let mut emitted_before = Vec::with_capacity(record.repeated.len());
        for event in &record.repeated {
            emitted_before.push(self.emitted_before(event, record, own)?);
        }
        let mut timers = Vec::new();
        for timer in &record.timers_set {
            timers.push(self.timer(timer)?);
        }
        timers.extend(record.timers_cancelled.iter().map(|key| TimerEffect {
            key: key.clone(),
            at: None,
            type_name: None,
            fired: None,
        }));
        let mut requests = Vec::new();
        for position in &record.requests {
            requests.extend(self.request(record.installation, *position)?);
        }
        let requested_before = record.requests_repeated.clone();
        Ok(TraceEffects { state, emitted, emitted_before, timers, outbox: requests, requested_before })
    }

    fn emitted_before(
        &mut self,
        repeated: &RepeatedEvent,
        record: &AttemptRecord,
        own: &[&AttemptRecord],
    ) -> Result<EmittedBefore, AppError> {
        let made = |attempt: &&&AttemptRecord| attempt.emitted.iter().any(|event| event.position == repeated.position);
        let generation = own.iter().find(made).map(|attempt| attempt.generation);
        let version = generation.map(|generation| self.version(record.installation, generation)).transpose()?;
        let there = if repeated.differs { self.store.event(repeated.position)? } else { None };
        let (fields, left_out) = there.map_or_else(Default::default, |there| {
            let now = repeated.event.clone().timed_as(&there.event, record.time);
            between_events(&there.event, &now)
        });
        let field = |field: FieldChange| EmittedField { path: field.path, in_log: field.recorded, emitted: field.now };
        Ok(EmittedBefore {
            position: repeated.position,
            type_name: repeated.event.type_name.clone(),
            generation,
            version,
            differs: repeated.differs,
            fields: fields.into_iter().map(field).collect(),
            fields_left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
        })
    }

    fn timer(&mut self, timer: &TimerRef) -> Result<TimerEffect, AppError> {
        let position = self.store.position_of(&timer.scope, &timer.source, &timer.id)?;
        let fired = position.map(|position| self.event(position)).transpose()?.flatten().map(Box::new);
        Ok(TimerEffect {
            key: timer.key.clone(),
            at: Some(timer.due.into()),
            type_name: Some(timer.type_name.clone()),
            fired,
        })
    }

    fn request(&mut self, id: InstallationId, position: Position) -> Result<Option<OutboxEffect>, AppError> {
        let (Some(name), Some(entry)) = (self.names.get(id), self.store.outbox_entry(id, position)?) else {
            return Ok(None);
        };
        let answer = match self.store.answer_of(id, position)? {
            Some(position) => self.event(position)?.map(Box::new),
            None => None,
        };
        Ok(Some(OutboxEffect { request: view(&name, &entry), answer }))
    }

    fn version(&mut self, id: InstallationId, generation: Generation) -> Result<String, AppError> {
        if !self.versions.contains_key(&id) {
            let records = self.store.generations(id)?;
            let versions = records.iter().map(|record| (record.generation, record.content.version.to_string()));
            self.versions.insert(id, versions.collect());
        }
        let version = self.versions.get(&id).and_then(|versions| versions.get(&generation));
        Ok(version.cloned().unwrap_or_default())
    }
}

fn next_attempt(route: RouteState) -> Option<handoff_control::Time> {
    match route.standing {
        Standing::Retrying { due } => due.map(Into::into),
        _ => None,
    }
}

fn look_up(exchange: &Exchange) -> LookUpView {
    let (status, error) = match &exchange.result {
        Ok(response) => (Some(response.status), None),
        Err(error) => (None, Some(error.to_string())),
    };
    LookUpView {
        method: exchange.request.method.clone(),
        url: exchange.request.url.clone(),
        status,
        error,
        duration_ms: exchange.duration_ms,
    }
}
