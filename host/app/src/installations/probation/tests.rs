//! Tests when a probation ends, and the host's reaction to a failed one, with and without an operator's action in between.
//! Deliveries are written into the store: the engine runs none.

use std::sync::Arc;

use semver::Version;
use tempfile::TempDir;

use super::*;
use crate::process::Process;
use handoff_config::Config;
use handoff_control::ChangeRequest;
use handoff_control::installations::rollback::RollbackRequest;
use handoff_model::actor::Actor;
use handoff_model::actor::Identity;
use handoff_model::effects::{Effects, Trace};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::host_records::Recall;
use handoff_model::installation::{GenerationContent, GenerationRecord, NewDetails};
use handoff_model::names::{Generation, InstallationName};
use handoff_policy::probation::{DeliverySummary, Evidence};
use handoff_store::{
    Attempt, FailureAction, Leave, NewEvent, NewGeneration, Ready, Recipients, StoreError, StoreOptions,
};
use parking_lot::Mutex;

/// Monday 2026-03-30, 10:30 in Chicago.
const NOW: Timestamp = Timestamp(1_774_884_620_000);
const DAY_MS: u64 = 24 * 3_600_000;
const GOOD: Version = Version::new(1, 0, 0);
const BAD: Version = Version::new(1, 1, 0);

/// A clock that the test moves.
#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

struct Bench {
    shard: Arc<Shard>,
    clock: Hand,
    events: Mutex<u64>,
    _folder: TempDir,
}

impl Bench {
    /// A host whose only installation was upgraded from a good version to a bad one.
    async fn new() -> Self {
        let bench = Self::installed().await;
        bench.upgrade(BAD).await;
        bench
    }

    async fn installed() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[rooftops.main-street]\ntime-zone = \"America/Chicago\"\n";
        let file = folder.path().join("handoff.toml");
        std::fs::write(&file, text).expect("a configuration");
        let mut config = Config::parse(text, &file.display().to_string()).expect("a sound configuration");
        config.engine_limits.concurrency_per_installation = 0;
        let store = Store::open(StoreOptions::in_small_steps(folder.path().join("data"))).expect("a store");
        let clock = Hand(Arc::new(Mutex::new(NOW)));
        let process = Process::start(config, Arc::new(clock.clone())).expect("a process");
        let shard = Shard::over(store, process, 1).expect("a shard");
        let bench = Self { shard, clock, events: Mutex::default(), _folder: folder };
        bench.put(GOOD, GenerationReason::Install).await;
        bench
    }

    async fn pass_days(&self, days: u64) {
        *self.clock.0.lock() = self.clock.now().plus_ms(days * DAY_MS);
        self.look().await;
    }

    async fn look(&self) {
        self.shard.look_at_probations().await.expect("looked");
    }

    /// The next event, as an attempt of the active generation.
    async fn next(&self) -> Attempt {
        let number = {
            let mut events = self.events.lock();
            *events += 1;
            *events
        };
        let new = NewEvent { event: event(number), to: Recipients::Rooftop("main-street".parse().expect("a name")) };
        self.shard.store.append(vec![new], NOW, None).await.expect("appended");
        let (id, generation) = (self.now().id, self.now().active.generation);
        let Ready { position, queue_key } = self.shard.store.ready(id, None, 1).expect("read")[0];
        let (time, input) = (NOW, Default::default());
        let scope = self.now().scope.clone();
        Attempt { installation: id, position, queue_key, scope, generation, input, number: 1, time, finished_at: time }
    }

    async fn deliver(&self, count: usize) {
        for _ in 0..count {
            let (attempt, store) = (self.next().await, &self.shard.store);
            let done = store.commit(attempt, store.snapshot(), Effects::default(), Trace::default()).await;
            done.expect("committed");
        }
    }

    async fn put(&self, version: Version, reason: GenerationReason) {
        let active = self.shard.store.installation(&name()).map(|known| known.active.generation);
        let made = self.shard.store.put_generation(generation(version, reason, active)).await;
        made.expect("a generation");
    }

    async fn upgrade(&self, version: Version) {
        self.put(version, GenerationReason::Upgrade).await;
        self.look().await;
        assert_eq!(self.state(), Some(ProbationState::Watching));
    }

    fn now(&self) -> Arc<Installation> {
        self.shard.store.installation(&name()).expect("the installation")
    }

    /// The active version and its author.
    fn active(&self) -> (Version, Actor) {
        let active = self.now().active.clone();
        (active.content.version, active.by)
    }

    fn state(&self) -> Option<ProbationState> {
        view(&self.shard.store, &self.now()).map(|view| view.state)
    }

    fn incidents(&self) -> Vec<String> {
        let incidents = self.shard.store.incidents().expect("incidents");
        incidents.into_iter().map(|(_, incident)| incident.message).collect()
    }

    /// The report that the active generation exceeded a bound, for use now or later.
    fn trip(&self) -> Tripped {
        let now = DeliverySummary { deliveries: 40, failed: 0, dead_letters: 0, p95_ms: 3.0 };
        let evidence = Evidence {
            rule: Rule::Latency,
            subject: None,
            bad: 7,
            of: 47,
            before_bad: 0,
            before_of: 40,
            acceptable: 0.05,
            bound_ms: Some(500.0),
            running: 7,
            now,
            before: now,
        };
        let generation = self.now().active.generation;
        Tripped { installation: self.now().id, generation, at: NOW.plus_ms(generation.0), evidence }
    }

    async fn act_on(&self, tripped: Tripped) {
        self.shard.leave_bad(tripped).await.expect("acted upon");
    }

    async fn pause(&self) {
        let change = ChangeRequest { by: None, reason: None };
        self.shard.pause(&Identity::User("ann".to_owned()), &name(), change).await.expect("paused");
    }
}

fn name() -> InstallationName {
    "web-leads".parse().expect("a name")
}

fn event(number: u64) -> Event {
    Event {
        id: number.to_string(),
        source: "/outside".to_owned(),
        type_name: "lead".to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: Vec::new(),
    }
}

fn generation(version: Version, reason: GenerationReason, expected: Option<Generation>) -> NewGeneration {
    NewGeneration {
        name: name(),
        scope: "main-street".parse().expect("a name"),
        content: GenerationContent {
            package: "handoff/adf-leads".to_owned(),
            digest: format!("sha256:{version}"),
            version,
            state_schema: 1,
            config_json: "{}".to_owned(),
            grants: Grants { accepts: ["lead".to_owned()].into(), ..Grants::default() },
            ingress_json: "{}".to_owned(),
        },
        by: Actor::user("ann"),
        reason,
        note: None,
        at: NOW,
        expected,
        details: NewDetails::default(),
        migration: None,
        changes_json: None,
        leave: None,
    }
}

#[tokio::test]
async fn the_host_rolls_back_once_and_reports_what_was_still_active() {
    let bench = Bench::new().await;
    let tripped = bench.trip();
    bench.act_on(tripped.clone()).await;
    bench.act_on(tripped).await;
    assert_eq!((bench.active(), bench.now().active.generation), ((GOOD, Actor::host()), Generation(3)));
    let incidents = bench.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].contains("the host rolled 1.1.0 back to 1.0.0"), "{incidents:?}");
    assert!(incidents[0].contains("7 had not ended"), "{incidents:?}");
}

#[tokio::test]
async fn a_person_who_makes_another_generation_first_is_not_overridden() {
    for rolls_back in [true, false] {
        let bench = Bench::new().await;
        let (tripped, seen) = (bench.trip(), bench.now());
        let kept = bench.shard.store.probation(&seen.name).expect("read").expect("watched");
        if rolls_back {
            let request = RollbackRequest { by: None, ..RollbackRequest::default() };
            bench.shard.rollback(&Identity::User("ann".to_owned()), &name(), request).await.expect("rolled back");
        } else {
            bench.put(Version::new(1, 1, 1), GenerationReason::Upgrade).await;
        }
        let chosen = bench.now();
        bench.act_on(tripped).await;
        // The same holds if the host checked before the operator acted.
        let late = bench.shard.go_back(&seen, &kept, "late").await;
        assert!(matches!(late, Err(AppError::Conflict { .. })), "{late:?}");
        assert_eq!(bench.now().active, chosen.active);
        assert_eq!(bench.active().1, Actor::user("ann"));
        assert_eq!(bench.incidents(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_person_who_pauses_first_finds_everything_as_it_was() {
    let bench = Bench::new().await;
    let (tripped, seen) = (bench.trip(), bench.now());
    let kept = bench.shard.store.probation(&seen.name).expect("read").expect("watched");
    bench.pause().await;
    let late = bench.shard.go_back(&seen, &kept, "late").await;
    assert!(matches!(late, Err(AppError::Conflict { .. })), "{late:?}");
    let leave = Leave { to_end_of: Generation(1), restore_state: false, replay: false, unless_paused: true };
    let restores = GenerationReason::Rollback { restores: Generation(1) };
    let new = NewGeneration { leave: Some(leave), ..generation(GOOD, restores, Some(Generation(2))) };
    let late = bench.shard.store.put_generation(new).await;
    assert!(matches!(late, Err(StoreError::Paused(_))), "the store itself refuses: {late:?}");

    bench.act_on(tripped).await;
    assert_eq!((bench.active().0, bench.now().paused.is_some()), (BAD, true));
    let incidents = bench.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].contains("the host did not roll back, because the installation is paused"), "{incidents:?}");
    assert_eq!(bench.state(), Some(ProbationState::Failed), "the person who resumes it decides");
}

#[tokio::test]
async fn who_takes_a_bad_version_again_keeps_it() {
    let bench = Bench::new().await;
    bench.act_on(bench.trip()).await;
    assert_eq!(bench.active().0, GOOD);
    bench.upgrade(BAD).await;
    let tripped = bench.trip();
    assert_eq!(tripped.generation, Generation(4));
    bench.act_on(tripped.clone()).await;
    bench.act_on(tripped).await;
    assert_eq!(bench.active(), (BAD, Actor::user("ann")));
    let incidents = bench.incidents();
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    assert!(incidents.iter().any(|message| message.contains("somebody chose it again")), "{incidents:?}");
    assert_eq!(bench.state(), Some(ProbationState::Failed));

    // No operator has overridden the host for a third version, so the host rolls it back.
    bench.upgrade(Version::new(1, 2, 0)).await;
    bench.act_on(bench.trip()).await;
    assert_eq!(bench.active(), (BAD, Actor::host()), "to the version that somebody wanted");
}

#[tokio::test]
async fn a_version_passes_after_two_business_days_and_200_deliveries() {
    let bench = Bench::installed().await;
    bench.deliver(60).await;
    bench.upgrade(BAD).await;
    bench.deliver(199).await;
    bench.pass_days(1).await;
    assert_eq!(bench.state(), Some(ProbationState::Watching));
    bench.pass_days(3).await;
    assert_eq!(bench.state(), Some(ProbationState::Watching), "199 deliveries are not enough");
    bench.deliver(1).await;
    bench.look().await;
    assert_eq!(bench.state(), Some(ProbationState::Passed));
    let view = view(&bench.shard.store, &bench.now()).expect("a probation");
    assert_eq!((view.deliveries, view.baseline_deliveries), (200, 60));
    assert_eq!(bench.incidents(), Vec::<String>::new());
}

#[tokio::test]
async fn a_version_without_traffic_is_not_judged() {
    let bench = Bench::installed().await;
    bench.deliver(60).await;
    bench.upgrade(BAD).await;
    bench.deliver(3).await;
    bench.pass_days(13).await;
    assert_eq!(bench.state(), Some(ProbationState::Watching), "twelve business days are two weeks");
    bench.pass_days(2).await;
    assert_eq!(bench.state(), Some(ProbationState::NotJudged));
    let view = view(&bench.shard.store, &bench.now()).expect("a probation");
    assert_eq!(view.reason.as_deref(), Some("it had only 3 deliveries"));
}

/// Settings without a grant: the connector pauses at the first event.
#[tokio::test]
async fn a_connector_that_pauses_itself_fails_even_if_only_settings_changed() {
    let bench = Bench::installed().await;
    bench.deliver(60).await;
    let settings = |active: &GenerationRecord| NewGeneration {
        content: GenerationContent { config_json: r#"{"crm":2}"#.to_owned(), ..active.content.clone() },
        ..generation(GOOD, GenerationReason::Reconfigure, Some(active.generation))
    };
    let change = async || {
        bench.shard.store.put_generation(settings(&bench.now().active)).await.expect("settings");
        bench.look().await;
        assert_eq!(bench.state(), Some(ProbationState::Watching));
        let (attempt, store) = (bench.next().await, &bench.shard.store);
        let failure = Failure::reject("misconfigured", "crm is not granted");
        let pause = Pause::by_host("version 1.0.0: crm is not granted".to_owned(), NOW);
        let then = FailureAction::Pause(pause);
        store.fail(attempt, store.snapshot(), failure, then, Trace::default()).await.expect("paused");
        bench.look().await;
    };
    change().await;
    let now = bench.now();
    assert_eq!((now.active.generation, now.active.by.clone()), (Generation(3), Actor::host()));
    assert_eq!((now.active.content.config_json.as_str(), now.paused.is_some()), ("{}", false));
    let incidents = bench.incidents();
    assert!(incidents[0].contains("the host rolled the settings of generation 2 back"), "{incidents:?}");
    assert!(incidents[0].contains("paused itself: version 1.0.0: crm is not granted"), "{incidents:?}");
    // Who chooses the same settings again keeps them.
    change().await;
    let now = bench.now();
    assert_eq!((now.active.generation, now.paused.is_some()), (Generation(4), true));
    assert_eq!(bench.state(), Some(ProbationState::Failed));
}

/// Recalls a version that the host knows.
async fn recall(bench: &Bench, version: &Version) {
    let recall = Recall {
        package: "handoff/adf-leads".to_owned(),
        version: version.to_string(),
        note: "loses phones".to_owned(),
        registry: "main".to_owned(),
        noticed_at: NOW,
    };
    let audit = NewAudit {
        at: NOW,
        by: Actor::host(),
        action: "recall-noticed",
        subject: "web-leads".to_owned(),
        detail_json: "{}".to_owned(),
        scopes: Vec::new(),
    };
    bench.shard.store.set_recall(format!("sha256:{version}"), recall, audit).await.expect("recalled");
}

#[tokio::test]
async fn the_host_never_rolls_back_to_a_recalled_version() {
    let bench = Bench::new().await;
    recall(&bench, &GOOD).await;
    bench.act_on(bench.trip()).await;
    assert_eq!(bench.active().0, BAD);
    assert_eq!(bench.state(), Some(ProbationState::Failed));
    let incidents = bench.incidents();
    assert!(incidents[0].contains("version 1.0.0 was recalled by its publisher: loses phones"), "{incidents:?}");

    // With an older sound version, it takes that one.
    let bench = Bench::installed().await;
    bench.put(Version::new(1, 0, 1), GenerationReason::Upgrade).await;
    bench.deliver(60).await;
    bench.upgrade(BAD).await;
    recall(&bench, &Version::new(1, 0, 1)).await;
    bench.act_on(bench.trip()).await;
    assert_eq!(bench.active(), (GOOD, Actor::host()));
    let incidents = bench.incidents();
    assert!(incidents[0].contains("version 1.0.0 of generation 1 is taken instead"), "{incidents:?}");
}
