//! Tests the host's reaction to an exceeded bound, with and without an operator's action in between. Delivers nothing:
//! the engine decides whether a bound is exceeded.

use std::sync::Arc;

use semver::Version;
use tempfile::TempDir;

use super::*;
use crate::process::Process;
use handoff_config::Config;
use handoff_control::ChangeRequest;
use handoff_model::actor::Actor;
use handoff_model::actor::Identity;
use handoff_model::grants::Grants;
use handoff_model::host_records::Figures;
use handoff_model::installation::{GenerationContent, NewDetails};
use handoff_model::names::{Generation, InstallationName};
use handoff_store::{Leave, NewGeneration, StoreError, StoreOptions};

const NOW: Timestamp = Timestamp(1_774_884_620_000);
const GOOD: Version = Version::new(1, 0, 0);
const BAD: Version = Version::new(1, 1, 0);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct Bench {
    shard: Arc<Shard>,
    _folder: TempDir,
}

impl Bench {
    /// A host whose only installation was upgraded from a good version to a bad one.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[rooftops.main-street]\ntime-zone = \"America/Chicago\"\n";
        let file = folder.path().join("handoff.toml");
        std::fs::write(&file, text).expect("a configuration");
        let mut config = Config::parse(text, &file.display().to_string()).expect("a sound configuration");
        config.engine_limits.concurrency_per_installation = 0;
        let store = Store::open(StoreOptions::in_small_steps(folder.path().join("data"))).expect("a store");
        let process = Process::start(config, Arc::new(Stopped)).expect("a process");
        let shard = Shard::over(store, process, 1).expect("a shard");
        let bench = Self { shard, _folder: folder };
        bench.put(GOOD, GenerationReason::Install).await;
        bench.upgrade(BAD).await;
        bench
    }

    async fn put(&self, version: Version, reason: GenerationReason) {
        let active = self.shard.store.installation(&name()).map(|known| known.active.generation);
        let made = self.shard.store.put_generation(generation(version, reason, active)).await;
        made.expect("a generation");
    }

    async fn upgrade(&self, version: Version) {
        self.put(version, GenerationReason::Upgrade).await;
        self.shard.look_at_probations().await.expect("watched");
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
        let figures = Figures { deliveries: 40, failed: 0, dead_letters: 0, p95_ms: 3.0 };
        let evidence =
            Evidence { rule: Rule::Latency, seen: 700.0, bound: 500.0, running: 7, now: figures, before: figures };
        let generation = self.now().active.generation;
        Tripped { installation: self.now().id, generation, at: NOW.plus_ms(generation.0), evidence }
    }

    async fn act_on(&self, tripped: Tripped) {
        self.shard.take_back(tripped).await.expect("acted upon");
    }

    async fn pause(&self) {
        let change = ChangeRequest { by: None, reason: None };
        self.shard.pause(&Identity::User("ann".to_owned()), &name(), change).await.expect("paused");
    }
}

fn name() -> InstallationName {
    "web-leads".parse().expect("a name")
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
            grants: Grants::default(),
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
    bench.act_on(tripped).await;
    bench.act_on(tripped).await;
    assert_eq!((bench.active(), bench.now().active.generation), ((GOOD, Actor::host()), Generation(3)));
    let incidents = bench.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].contains("the host put 1.0.0 back in place of 1.1.0"), "{incidents:?}");
    assert!(incidents[0].contains("7 of 47 had not ended"), "{incidents:?}");
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
    assert!(incidents[0].contains("the host did not go back, because the installation is paused"), "{incidents:?}");
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
    bench.act_on(tripped).await;
    bench.act_on(tripped).await;
    assert_eq!(bench.active(), (BAD, Actor::user("ann")));
    let incidents = bench.incidents();
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    assert!(incidents.iter().any(|message| message.contains("somebody took this version again")), "{incidents:?}");
    assert_eq!(bench.state(), Some(ProbationState::Failed));

    // No operator has overridden the host for a third version, so the host rolls it back.
    bench.upgrade(Version::new(1, 2, 0)).await;
    bench.act_on(bench.trip()).await;
    assert_eq!(bench.active(), (BAD, Actor::host()), "to the version that somebody wanted");
}
