//! A host with one installation for tests with a fixed scenario: engine and store in one thread, with a manual clock
//! and a manual committer. Judges nothing.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, yield_now};

use crate::ports::Outbound;
use crate::{Code, CodeSource, Engine, EngineParts, LoadError};
use handoff_model::actor::Actor;
use handoff_model::call::{Call, Called};
use handoff_model::effects::{Effects, OutboxRequest, Trace};
use handoff_model::event::Event;
use handoff_model::failure::{Failure, host_codes};
use handoff_model::grants::Grants;
use handoff_model::http::{Exchange, HttpError, Request, Response, SendOutcome};
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails};
use handoff_model::limits::EngineLimits;
use handoff_model::names::{Generation, InstallationId};
use handoff_model::scope::Scope;
use handoff_model::time::{Clock as _, Timestamp};
use handoff_store::{ByHand, Journal, NewEvent, NewGeneration, Recipients, Store, StoreOptions};

use super::clock::HandClock;
use super::script::event;

pub(super) const START: Timestamp = Timestamp(1_800_000_000_000);
pub(super) const DEADLINE_MS: u64 = 5_000;
/// The state key of the count, and its key in a newer schema.
pub(super) const OLD_KEY: &str = "count";
pub(super) const NEW_KEY: &str = "total";
/// Instead of a key: the connector sends a request.
pub(super) const SEND: &str = "send";
/// Instead of a key: the connector crashes, always at the same place.
pub(super) const CRASH: &str = "crash";
/// Instead of a key: the connector crashes at another place in each attempt.
pub(super) const CRASH_ELSEWHERE: &str = "crash-elsewhere";
/// Instead of a key: the connector crashes after a look-up whose answer differs between attempts.
pub(super) const CRASH_AFTER_ANSWER: &str = "crash-after-answer";

/// A connector that runs for as long as an event says, and counts in its state if the event names a key. Also simulates
/// the runtime around it: slots and a deadline.
#[derive(Clone)]
pub(super) struct Guest {
    clock: HandClock,
    pub(super) places: Arc<Semaphore>,
    /// Notified when a call begins that does not end.
    pub(super) stuck: Arc<Notify>,
    release: Release,
}

/// What a release of the connector does, set by its config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    Good,
    /// Never finishes a call before the deadline.
    Stuck,
    /// Moves its count to another key, in a newer schema.
    Renames,
    /// The same, but its migration fails.
    CannotMigrate,
}

impl Release {
    pub(super) fn config(self) -> String {
        format!("\"{self:?}\"")
    }

    fn of(config: &str) -> Self {
        let all = [Self::Good, Self::Stuck, Self::Renames, Self::CannotMigrate];
        all.into_iter().find(|release| release.config() == config).expect("a release")
    }
}

impl Guest {
    async fn work(&self, call: Call, event: &Event) -> Called {
        let _place = self.places.acquire().await;
        let started = self.clock.steady_us();
        call.on_start.iter().for_each(|on_start| on_start.started());
        let text = String::from_utf8_lossy(&event.data);
        let (ms, key) = text.split_once(' ').unwrap_or((&text, ""));
        let ms: u64 = ms.parse().expect("a number");
        if self.release == Release::Stuck {
            self.stuck.notify_one();
            std::future::pending::<()>().await;
        }
        self.clock.wait_until(self.clock.now().plus_ms(ms.min(DEADLINE_MS))).await;
        let mut effects = Effects::default();
        if key == SEND {
            effects.outbox.push(outbox_request());
        } else if !key.is_empty() && crash(key, 0).is_none() {
            let key = if self.release == Release::Renames { NEW_KEY } else { key };
            let count = number(call.state.get(key).expect("state")) + 1;
            effects.state_writes.insert(key.to_owned(), Some(count.to_string().into_bytes()));
        }
        let late = || Failure::retry(host_codes::DEADLINE, "too long");
        let outcome = match crash(key, call.info.attempt) {
            _ if ms > DEADLINE_MS => Err(late()),
            Some(failure) => Err(failure),
            None => Ok(effects),
        };
        let answers = (key == CRASH_AFTER_ANSWER).then(|| answered(call.info.attempt));
        let trace = Trace {
            duration_us: self.clock.steady_us() - started,
            exchanges: answers.into_iter().collect(),
            ..Trace::default()
        };
        Called { outcome, trace }
    }

    fn rename(&self, call: &Call) -> Result<Effects, Failure> {
        let mut effects = Effects::default();
        let count = call.state.get(OLD_KEY).expect("state");
        effects.state_writes.extend([(NEW_KEY.to_owned(), count), (OLD_KEY.to_owned(), None)]);
        if self.release == Release::Renames { Ok(effects) } else { Err(Failure::reject("unreadable", "an odd count")) }
    }
}

fn crash(key: &str, attempt: u32) -> Option<Failure> {
    let place = match key {
        CRASH | CRASH_AFTER_ANSWER => "at lib.rs:7".to_owned(),
        CRASH_ELSEWHERE => format!("at lib.rs:{attempt}"),
        _ => return None,
    };
    Some(Failure::retry(host_codes::TRAP, place))
}

/// A look-up with an answer that names the attempt.
fn answered(attempt: u32) -> Exchange {
    let response = Response { status: 200, headers: Vec::new(), body: attempt.to_string().into_bytes() };
    Exchange { request: request(), result: Ok(response), duration_ms: 1 }
}

fn outbox_request() -> OutboxRequest {
    OutboxRequest { key: "a".to_owned(), request: request(), answer: false, partition_key: None }
}

fn request() -> Request {
    Request {
        method: "POST".to_owned(),
        url: "https://crm.example/leads".to_owned(),
        headers: Vec::new(),
        body: None,
        auth: None,
        timeout_ms: None,
    }
}

/// A count in the state.
pub(super) fn number(value: Option<Vec<u8>>) -> u64 {
    value.map_or(0, |bytes| String::from_utf8_lossy(&bytes).parse().expect("a number"))
}

impl Code for Guest {
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called> {
        self.work(call, event).boxed()
    }

    fn validate(&self, _: Call) -> BoxFuture<'_, Called> {
        unreachable!("nobody asks")
    }

    fn migrate(&self, call: Call, from_schema: u32) -> BoxFuture<'_, Called> {
        assert_eq!(from_schema, 1);
        async move { Called { outcome: self.rename(&call), trace: Trace::default() } }.boxed()
    }
}

impl CodeSource for Guest {
    fn prepare<'a>(&'a self, content: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>> {
        let code: Arc<dyn Code> = Arc::new(Self { release: Release::of(&content.config_json), ..self.clone() });
        async { Ok(code) }.boxed()
    }
}

struct NoOutbound;

impl Outbound for NoOutbound {
    fn look_up<'a>(
        &'a self,
        _: &'a Scope,
        _: &'a Grants,
        _: &'a Request,
    ) -> BoxFuture<'a, Result<Response, HttpError>> {
        unreachable!("nobody asks")
    }

    fn send<'a>(&'a self, _: &'a Scope, _: &'a Grants, _: &'a Request, _: &'a str) -> BoxFuture<'a, SendOutcome> {
        unreachable!("nobody sends")
    }
}

/// A host with one installation.
pub(super) struct Bench {
    pub(super) clock: HandClock,
    pub(super) guest: Guest,
    pub(super) store: Store,
    hand: ByHand,
    pub(super) engine: Arc<Engine>,
    pub(super) id: InstallationId,
    events: u64,
    _dir: TempDir,
}

impl Bench {
    /// Allows `at_once` deliveries to run at once.
    pub(super) async fn new(at_once: usize) -> Self {
        Self::with(at_once, None, Arc::new(NoOutbound)).await
    }

    /// The same over a journal that is not in files, and with an egress.
    pub(super) async fn with(at_once: usize, journal: Option<Arc<dyn Journal>>, egress: Arc<dyn Outbound>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut options = StoreOptions::in_small_steps(dir.path());
        options.cache_bytes = 1 << 20;
        let opened = match journal {
            Some(journal) => Store::open_by_hand_with(options, journal),
            None => Store::open_by_hand(options),
        };
        let (store, hand) = opened.expect("it opens");
        let clock = HandClock::new(START);
        let places = Arc::new(Semaphore::new(1_000));
        let guest = Guest { clock: clock.clone(), places, stuck: Arc::default(), release: Release::Good };
        let engine = Arc::new(Engine::start(EngineParts {
            store: store.clone(),
            code: Arc::new(guest.clone()),
            egress,
            clock: Arc::new(clock.clone()),
            seed: 1,
            limits: EngineLimits { concurrency_per_installation: at_once, ..EngineLimits::default() },
            zones: Default::default(),
            retention: (u64::MAX, u64::MAX),
        }));
        let id = InstallationId(1);
        let mut bench = Self { clock, guest, store, hand, engine, id, events: 0, _dir: dir };
        bench.generation(None).await;
        bench
    }

    /// Creates another generation.
    pub(super) async fn generation(&mut self, expected: Option<Generation>) {
        let new = NewGeneration {
            name: "watched".parse().expect("a name"),
            scope: "main-street".parse().expect("a name"),
            content: content(Release::Good),
            by: Actor::user("ann"),
            reason: if expected.is_some() { GenerationReason::Upgrade } else { GenerationReason::Install },
            note: None,
            at: self.clock.now(),
            expected,
            details: NewDetails::default(),
            migration: None,
            changes_json: None,
            leave: None,
        };
        let store = self.store.clone();
        let made = tokio::spawn(async move { store.put_generation(new).await });
        self.answered(made).await.expect("a generation");
    }

    /// Appends `count` events that the connector runs for `ms` milliseconds each.
    pub(super) async fn take(&mut self, count: u64, ms: u64) {
        self.take_data(count, ms.to_string()).await;
    }

    pub(super) async fn take_data(&mut self, count: u64, data: String) {
        let numbers = self.events..self.events + count;
        self.events = numbers.end;
        let scope = "main-street".parse().expect("a name");
        let event =
            |number: u64| event(&scope, "/outside", &number.to_string(), "lead", None, data.clone().into_bytes());
        let new = numbers
            .map(|number| NewEvent {
                event: event(number),
                to: Recipients::Rooftop("main-street".parse().expect("a name")),
            })
            .collect();
        let (store, now) = (self.store.clone(), self.clock.now());
        let taken = tokio::spawn(async move { store.append(new, now, None).await });
        self.answered(taken).await.expect("taken");
    }

    async fn answered<T>(&mut self, task: JoinHandle<T>) -> T {
        self.run_until_idle().await;
        assert!(task.is_finished(), "the store has answered");
        task.await.expect("no panic")
    }

    /// Runs all tasks until none can continue without time passing.
    pub(super) async fn run_until_idle(&mut self) {
        let mut quiet = 0;
        while quiet < 3 {
            for _ in 0..200 {
                yield_now().await;
            }
            let is_quiet = self.hand.waiting() == 0 && self.hand.unanswered() == 0;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            self.hand.take(usize::MAX);
            self.hand.finish();
        }
    }

    /// Advances the time while the disk writes nothing.
    pub(super) async fn pass_without_disk(&mut self, ms: u64) {
        let until = self.clock.now().plus_ms(ms);
        while let Some(due) = self.clock.next_due().filter(|due| *due <= until) {
            self.clock.move_to(due);
            for _ in 0..500 {
                yield_now().await;
            }
        }
        self.clock.move_to(until);
    }

    /// Advances the time, and runs everything that is due at each moment.
    pub(super) async fn pass(&mut self, ms: u64) {
        self.run_until_idle().await;
        let until = self.clock.now().plus_ms(ms);
        while let Some(due) = self.clock.next_due().filter(|due| *due < until) {
            self.clock.move_to(due);
            self.run_until_idle().await;
        }
        self.clock.move_to(until);
        self.run_until_idle().await;
    }
}

pub(super) fn content(release: Release) -> GenerationContent {
    GenerationContent {
        package: "acme/watched".to_owned(),
        version: "1.0.0".parse().expect("a version"),
        digest: "sha256:00".to_owned(),
        state_schema: 1,
        config_json: release.config(),
        grants: Grants { accepts: ["lead".to_owned()].into(), ..Grants::default() },
        ingress_json: "{}".to_owned(),
    }
}
