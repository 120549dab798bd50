//! Runs cases on a component through the runtime of the host, with the host's own checks of manifest, grants and config.
//! Each case starts from its own state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use handoff_cases::{CaseError, CaseFile, EXPECTED_SCHEMA, ExpectedFile, Outcome, ValidationFile};
use handoff_config::{Asks, ConfigErrors, resolve_grants};
use handoff_model::call::{Call, Called, Cause};
use handoff_model::delivery::{DeliveryInfo, zone::TimeZone};
use handoff_model::effects::{Effects, LogLine, TimerRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::limits::{CallLimits, MigrationLimits, RuntimeLimits};
use handoff_model::names::{Generation, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_package::{Digest, Manifest, Package};
use handoff_runtime::{CompilerCommand, Prepared, Runtime, RuntimeOptions};

use super::convert::{self, commit};
use super::folder::Case;
use super::inputs::{Inputs, What, fault};
use crate::error::AppError;
use crate::installations::preflight;
use crate::process::unavailable;

/// Compiling has the lowest priority, and developers' machines are busy: a case must not depend on it.
const COMPILE_TIME_MS: u64 = 900_000;

/// A component that is ready to run cases.
pub struct CaseRunner {
    prepared: Prepared,
    manifest: Manifest,
}

/// What a connector did with a case.
#[derive(Clone, Debug)]
pub struct CaseRun {
    /// Its outcomes, in the form of `expected.json`.
    pub actual: ExpectedFile,
    /// What it logged, in order.
    pub logs: Vec<LogLine>,
    /// Look-ups that the case has no answer to.
    pub missing_answers: Vec<String>,
}

impl CaseRunner {
    /// Compiles a component. `cache` keeps the compiled code for the next run.
    pub async fn new(component: &[u8], cache: PathBuf) -> Result<Self, AppError> {
        let limits = RuntimeLimits { instances: 1, compile_time_ms: COMPILE_TIME_MS, ..RuntimeLimits::default() };
        let package = Package::read_bounded(component, limits.component_bytes)
            .map_err(|error| AppError::invalid("package", error.to_string()))?;
        let compiler = CompilerCommand::current_program().map_err(|error| unavailable("the compiler", &error))?;
        let runtime = Runtime::new(RuntimeOptions {
            limits,
            call: CallLimits::default(),
            migration: MigrationLimits::default(),
            cache_dir: cache,
            compiler,
        });
        let runtime = runtime.map_err(|error| unavailable("the runtime", &error))?;
        let prepared = runtime.prepare(&Digest::of(component).to_string(), component).await;
        let prepared = prepared.map_err(|error| AppError::invalid("package", format!("{}: {error}", error.code())))?;
        Ok(Self { prepared, manifest: package.manifest })
    }

    /// The manifest of the component.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Runs a case.
    ///
    /// # Errors
    /// The case cannot be run: a host would refuse its config, its grants or its events.
    pub async fn run(&self, case: &Case) -> Result<CaseRun, CaseError> {
        let inputs = Inputs::read(&case.file, &case.folder)?;
        let mut run = Run::new(self, &case.file, inputs)?;
        let mut actual = ExpectedFile { schema: EXPECTED_SCHEMA.to_owned(), ..ExpectedFile::default() };
        run.migrate().await?;
        if run.inputs.steps.is_empty() {
            let failure = run.validate().await.err();
            let failure = failure.map(|failure| convert::failure(&failure));
            actual.validation = Some(ValidationFile { passed: failure.is_none(), failure });
        }
        for index in 0..run.inputs.steps.len() {
            actual.deliveries.push(run.deliver(index).await?);
        }
        let missing_answers = run.inputs.look_ups.take_missing();
        Ok(CaseRun { actual, logs: run.logs, missing_answers })
    }
}

/// One run of one case.
struct Run<'a> {
    runner: &'a CaseRunner,
    file: &'a CaseFile,
    inputs: Inputs,
    grants: Arc<Grants>,
    config_json: Arc<str>,
    info: DeliveryInfo,
    timers: BTreeMap<String, TimerRequest>,
    used_keys: BTreeSet<String>,
    logs: Vec<LogLine>,
}

impl<'a> Run<'a> {
    fn new(runner: &'a CaseRunner, file: &'a CaseFile, inputs: Inputs) -> Result<Self, CaseError> {
        let scope: Scope = file.rooftop.parse().map_err(|error| fault("rooftop", &format!("{error}")))?;
        let installation = file.installation.parse().map_err(|error| fault("installation", &format!("{error}")))?;
        let time_zone = TimeZone::try_from(file.time_zone.clone()).map_err(|error| fault("timeZone", &error))?;
        let (grants, config_json) = runner.settings(file, &scope)?;
        if file.state_schema.is_none() && !file.state.is_empty() {
            let text = format!("missing; expected the schema of `state`, such as {}", runner.manifest.state.schema);
            return Err(fault("stateSchema", &text));
        }
        Ok(Self {
            runner,
            file,
            inputs,
            grants: Arc::new(grants),
            config_json: config_json.into(),
            info: DeliveryInfo {
                installation,
                generation: Generation(file.generation),
                position: Position(0),
                attempt: 0,
                time: Timestamp(file.time.0),
                scope,
                time_zone,
                dry_run: false,
            },
            timers: BTreeMap::new(),
            used_keys: file.used_keys.iter().cloned().collect(),
            logs: Vec::new(),
        })
    }

    /// Migrates state of an older schema, as an upgrade does.
    async fn migrate(&mut self) -> Result<(), CaseError> {
        let (from, to) = (self.file.state_schema, self.runner.manifest.state.schema);
        let Some(from) = from.filter(|from| *from != to) else { return Ok(()) };
        if from > to {
            let text = format!("found {from}; this version has schema {to}, and state is never migrated back");
            return Err(fault("stateSchema", &text));
        }
        let call = self.call(self.cause("migrate"), [0; 32]);
        let called = self.runner.prepared.migrate(call, from).await;
        let effects = self.take(called).map_err(|failure| {
            let text = format!(
                "the state cannot be migrated from schema {from} to {to}: {}: {}",
                failure.code, failure.message
            );
            fault("state", &text)
        })?;
        self.inputs.state.apply(&effects.state_writes);
        Ok(())
    }

    async fn validate(&mut self) -> Result<(), Failure> {
        let call = self.call(self.cause("validate"), [0; 32]);
        let called = self.runner.prepared.validate(call).await;
        self.take(called).map(|_| ())
    }

    async fn deliver(&mut self, index: usize) -> Result<Outcome, CaseError> {
        let place = format!("events[{index}]");
        let Some(step) = self.inputs.steps.get(index) else { return Err(fault(&place, "missing")) };
        let (event, due) = match &step.what {
            What::Event(event) => {
                self.check_accepted(&place, event)?;
                (event.as_ref().clone(), None)
            }
            What::Timer(key) => {
                let set: Vec<String> = self.timers.keys().map(|key| format!("`{key}`")).collect();
                let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
                let missing = || fault(&format!("{place}.timer"), &format!("no timer `{key}` is set; set are: {set}"));
                let timer = self.timers.remove(key).ok_or_else(missing)?;
                (timer.event, Some(timer.at))
            }
        };
        let at = step.at.or(due.map(|due| due.max(self.info.time))).unwrap_or(self.info.time);
        if at < self.info.time {
            let text = format!("found {at}; expected {} or later, the time of the delivery before it", self.info.time);
            return Err(fault(&format!("{place}.at"), &text));
        }
        self.info.time = at;
        self.info.attempt = self.file.attempt;
        self.info.position = Position(u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1));
        let cause = Cause { source: event.source.clone(), id: event.id.clone(), hops: event.hop_count() };
        let call = self.call(cause, self.file.seed_of(index)?);
        let called = self.runner.prepared.handle(call, &event).await;
        Ok(match self.take(called) {
            Ok(effects) => self.commit(effects, at),
            Err(failure) => Outcome::Failure(convert::failure(&failure)),
        })
    }

    /// Applies the rules of the host's committer, and the effects on the case's own state, timers and keys.
    fn commit(&mut self, mut effects: Effects, at: Timestamp) -> Outcome {
        effects.timers_cancelled.retain(|key| self.timers.contains_key(key));
        effects.outbox.retain(|request| !self.used_keys.contains(&request.key));
        self.inputs.state.apply(&effects.state_writes);
        effects.timers_cancelled.iter().for_each(|key| drop(self.timers.remove(key)));
        self.timers.extend(effects.timers_set.clone());
        self.used_keys.extend(effects.outbox.iter().map(|request| request.key.clone()));
        let shown = convert::Effects {
            emitted: &effects.emitted,
            state_writes: effects.state_writes.iter().collect(),
            timers_set: effects.timers_set.iter().collect(),
            timers_cancelled: &effects.timers_cancelled,
            requests: &effects.outbox,
        };
        Outcome::Commit(Box::new(commit(&shown, at)))
    }

    fn take(&mut self, called: Called) -> Result<Effects, Failure> {
        self.logs.extend(called.trace.logs);
        called.outcome
    }

    fn check_accepted(&self, place: &str, event: &Event) -> Result<(), CaseError> {
        if self.grants.accepts.contains(&event.type_name) {
            return Ok(());
        }
        let accepted: Vec<String> = self.grants.accepts.iter().map(|name| format!("`{name}`")).collect();
        let text = format!(
            "`{}` is not accepted, so that a host would not deliver it; accepted: {}. List it under `accepts` in connector.toml",
            event.type_name,
            accepted.join(", ")
        );
        Err(fault(&format!("{place}.type"), &text))
    }

    fn cause(&self, id: &str) -> Cause {
        Cause { source: format!("/installations/{}", self.info.installation), id: id.to_owned(), hops: 0 }
    }

    fn call(&self, cause: Cause, seed: [u8; 32]) -> Call {
        Call {
            info: self.info.clone(),
            config_json: self.config_json.clone(),
            grants: self.grants.clone(),
            seed,
            cause,
            state: self.inputs.state.clone(),
            look_ups: self.inputs.look_ups.clone(),
            on_start: None,
        }
    }
}

impl CaseRunner {
    /// Grants and config as `handoff install` would take them from a settings file.
    fn settings(&self, file: &CaseFile, scope: &Scope) -> Result<(Grants, String), CaseError> {
        let asks = Asks::from(&self.manifest);
        let grants = file.grants.clone().unwrap_or_else(|| everything(&asks));
        let (word, name) = match scope {
            Scope::Rooftop(name) => ("rooftop", name.to_string()),
            Scope::Group(name) => ("group", name.to_string()),
        };
        let settings = json!({ word: name, "config": file.config, "grants": grants });
        let settings =
            preflight::settings(&settings, None).map_err(|error| CaseError(format!("case.json: {}", error.told())))?;
        let grants = resolve_grants(&settings, &asks).map_err(|problems| {
            CaseError(format!("case.json: {}", AppError::from(ConfigErrors::new(problems)).told()))
        })?;
        let schema = self.manifest.config.as_ref().map(|config| &config.schema);
        let misfits =
            schema.map(|schema| schema.violations(&Value::Object(settings.config.clone()))).unwrap_or_default();
        if let Some(first) = misfits.first() {
            let dot = if first.field.is_empty() { "" } else { "." };
            return Err(fault(&format!("config{dot}{}", first.field), &first.detail));
        }
        let config_json = settings.config_json();
        Ok((grants, config_json))
    }
}

/// Everything that a manifest asks for. A target that leaves the host to the operator is not granted.
fn everything(asks: &Asks) -> Value {
    let targets = asks.http.iter().filter(|target| target.host != "*");
    let targets: Vec<Value> = targets.map(|target| json!({ "name": target.name, "auth": target.auth })).collect();
    json!({ "http": targets })
}
