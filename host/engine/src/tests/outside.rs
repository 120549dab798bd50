//! Simulates what the engine calls: scripted connectors, and a target system that does what a request tells it to.
//! Judges nothing.

use std::panic::resume_unwind;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::ports::Outbound;
use crate::{Code, CodeSource, LoadError};
use handoff_model::call::{Call, Called};
use handoff_model::effects::{Effects, Trace};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::http::SendOutcome;
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::installation::GenerationContent;
use handoff_model::limits::EngineLimits;
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Clock as _;

use super::clock::HandClock;
use super::script::{Body, Broken, Part, Script, Seen, name};
use super::world::Shared;

/// The config of a scripted connector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) installation: u32,
    pub(super) bad: bool,
    /// Its component is not available.
    pub(super) missing: bool,
    /// What it shares and accepts, as `sites` numbers it.
    pub(super) shares: u8,
}

/// Everything outside the engine.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) world: Shared,
    pub(super) clock: HandClock,
    pub(super) limits: EngineLimits,
}

/// Yields to other tasks.
async fn step(world: &Shared, times: u8) {
    for _ in 0..times {
        world.lock().steps += 1;
        tokio::task::yield_now().await;
    }
}

impl Outside {
    async fn take(&self, ms: u16) {
        if ms > 0 {
            self.clock.wait_until(self.clock.now().plus_ms(ms.into())).await;
        }
    }
}

impl CodeSource for Outside {
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>> {
        async move {
            step(&self.world, 2).await;
            // Compiling takes time.
            self.take(70).await;
            let settings: Settings = serde_json::from_str(&content.config_json).expect("settings");
            if settings.missing {
                return Err(LoadError::new(
                    "package-unavailable",
                    format!("package {} is not on this host", content.digest),
                ));
            }
            let code: Arc<dyn Code> = Arc::new(Connector { outside: self.clone(), settings });
            Ok(code)
        }
        .boxed()
    }
}

/// A connector that runs each event's script.
struct Connector {
    outside: Outside,
    settings: Settings,
}

/// Records the end of a call, also when it is aborted.
struct AtWork<'a> {
    world: &'a Shared,
    id: InstallationId,
    partition: Option<&'a str>,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.world.lock().call_over(self.id, self.partition);
    }
}

impl Connector {
    async fn play(&self, call: Call, event: &Event) -> Called {
        let Self { outside, settings } = self;
        let (world, id, info) = (&outside.world, InstallationId(settings.installation), &call.info);
        {
            let mut world = world.lock();
            world.call(id, info, event, outside.limits.concurrency_per_installation);
            let (attempt, generation) = (info.attempt, info.generation);
            world.tell(info.time, || {
                format!("call {} attempt {attempt} generation {generation}", place(id, info.position))
            });
        }
        let _active = AtWork { world, id, partition: event.partition_key() };
        let script = Script::of(event);
        step(world, script.steps / 2).await;
        let mut seen = Seen::new();
        for key in script.keys(event) {
            seen.insert(key.clone(), call.state.get(&key).expect("the store reads"));
            step(world, script.steps % 2).await;
        }
        let mut scanned = Vec::new();
        if let Some((prefix, limit)) = script.scan() {
            let found = call.state.scan(prefix, None, limit).expect("the store reads");
            seen.insert("scan".to_owned(), Some(postcard::to_stdvec(&found).expect("plain data")));
            scanned = found.into_iter().map(|(key, _)| key).collect();
        }
        if script.looks_up {
            let request = request();
            let found = call.look_ups.fetch(&call.grants, &request).await;
            assert_eq!(found.map(|response| response.status), Ok(200));
        }
        outside.take(script.takes_ms).await;
        step(world, script.steps).await;
        let name = (id, name(event));
        let part = Part {
            installation: info.installation.as_str(),
            scope: &info.scope,
            generation: info.generation.0,
            attempt: info.attempt,
            now: info.time,
            bad: settings.bad,
            healed: world.lock().healed.contains(&name),
            event,
        };
        let outcome = match script.play(&part, &seen) {
            Ok(effects) => Ok(effects),
            Err(Broken::Failure(failure)) => Err(failure),
            // Bypasses the panic hook: the panic is part of the script.
            Err(Broken::Panic) => resume_unwind(Box::new("scripted")),
        };
        let trace = Trace { reads: script.read_set(event, &scanned), ..Trace::default() };
        Called { outcome, trace }
    }
}

impl Code for Connector {
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called> {
        self.play(call, event).boxed()
    }

    fn validate(&self, _: Call) -> BoxFuture<'_, Called> {
        let bad = Failure::reject("scripted", "the config is no good");
        let outcome = if self.settings.bad { Err(bad) } else { Ok(Effects::default()) };
        async { Called { outcome, trace: Trace::default() } }.boxed()
    }

    fn migrate(&self, _: Call, _: u32) -> BoxFuture<'_, Called> {
        async { Called { outcome: Ok(Effects::default()), trace: Trace::default() } }.boxed()
    }
}

fn request() -> Request {
    let url = "https://crm.example/leads/1".to_owned();
    Request { method: "GET".to_owned(), url, headers: Vec::new(), body: None, auth: None, timeout_ms: None }
}

struct Sending<'a> {
    world: &'a Shared,
    key: &'a str,
    is_over: bool,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.world.lock().send_over(self.key, !self.is_over);
    }
}

impl Outbound for Outside {
    fn look_up<'a>(
        &'a self,
        _: &'a Scope,
        _: &'a Grants,
        _: &'a Request,
    ) -> BoxFuture<'a, Result<Response, HttpError>> {
        async {
            step(&self.world, 1).await;
            Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        from: &'a Scope,
        _: &'a Grants,
        request: &'a Request,
        key: &'a str,
    ) -> BoxFuture<'a, SendOutcome> {
        async move {
            let body: Body = postcard::from_bytes(request.body.as_deref().unwrap_or_default()).expect("a body");
            self.world.lock().send(from, key, &body, self.limits.outbox_concurrency);
            let mut sending = Sending { world: &self.world, key, is_over: false };
            step(&self.world, 1).await;
            self.take(body.target.takes_ms / 2).await;
            let outcome = self.arrive(key, &body);
            // The answer is being sent.
            self.take(body.target.takes_ms / 2).await;
            step(&self.world, 1).await;
            sending.is_over = true;
            outcome.unwrap_or_else(|| resume_unwind(Box::new("scripted")))
        }
        .boxed()
    }
}

impl Outside {
    /// The target's answer to a request. `None` for a panic of the host after the request has arrived.
    fn arrive(&self, key: &str, body: &Body) -> Option<SendOutcome> {
        let mut world = self.world.lock();
        let target = body.target;
        let sent = world.sent.get_mut(key).expect("it was sent");
        if sent.not_now < target.not_now {
            sent.not_now += 1;
            return Some(SendOutcome::NotNow { after_ms: 700 });
        }
        sent.attempts += 1;
        let attempt = sent.attempts;
        let outcome = if attempt <= target.panics.min(target.fails).into() {
            None
        } else if attempt <= target.fails.into() {
            Some(SendOutcome::Retry {
                error: "no answer".to_owned(),
                status: None,
                after_ms: Some(300),
                may_have_arrived: true,
            })
        } else {
            sent.answered = true;
            Some(match target.refuses {
                true => SendOutcome::Failed { error: "not granted".to_owned(), may_have_arrived: false },
                false => SendOutcome::Answered(Response { status: 200, headers: Vec::new(), body: b"ok".to_vec() }),
            })
        };
        world.tell(self.clock.now(), || {
            format!("sent {} {} attempt {attempt}: {outcome:?}", body.installation, body.key)
        });
        outcome
    }
}

/// An entry as the story shows it.
pub(super) fn place(id: InstallationId, position: Position) -> String {
    format!("{}/{position}", id.0)
}
