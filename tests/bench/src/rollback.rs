//! The cost of a rollback: until it is durable it depends neither on the amount of state nor on the changes since the
//! upgrade; putting the values back afterwards depends on the changes. On the store alone, as `handoff rollback` does it on a stopped host; nothing runs in
//! parallel.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use handoff_app::process::Process;
use handoff_app::shard::Shard;
use handoff_config::Config;
use handoff_control::installations::rollback::RollbackRequest;
use handoff_model::actor::Identity;
use handoff_model::effects::{Effects, Trace};
use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails};
use handoff_model::names::{Generation, InstallationId, InstallationName};
use handoff_model::time::{Clock as _, SystemClock};
use handoff_store::{Attempt, NewEvent, NewGeneration, Recipients, Store, StoreOptions, Verdict};
use serde_json::json;

use crate::goals::{Goals, Verdict as Goal};
use crate::results::{Samples, number, plain};
use crate::{Load, embedded, say};

const NAME: &str = "kept";
/// Keys per commit, and bytes per value.
const KEYS_EACH: u64 = 500;
const VALUE_BYTES: usize = 64;
/// Rollbacks for the median.
const RUNS: usize = 41;
/// A rollback with more keys may take at most this many times as long as with the fewest.
const FLAT: f64 = 1.5;

/// Installations that are rolled back at once, and the goal for them.
const STORES: u64 = 40;
const MANY_MS: f64 = 50.0;

/// A store with one installation.
struct Kept {
    store: Store,
    id: InstallationId,
    events: u64,
    _folder: tempfile::TempDir,
}

/// Measures both curves.
pub(crate) async fn measure(load: Load, goals: &mut Goals) {
    say("Rollback: without restore by the number of keys, with restore by the number of changed keys");
    let mut stores = [(10, Kept::with(10).await), (load.state_keys, Kept::with(load.state_keys).await)];
    let mut without = BTreeMap::<u64, Samples>::new();
    // Alternately, so that both use the same disk under the same conditions.
    for _ in 0..RUNS {
        for (keys, kept) in &mut stores {
            kept.upgrade().await;
            without.entry(*keys).or_default().push(kept.roll_back(false, 0).await.durable);
        }
    }
    flat(&without, goals);
    let [_, (_, kept)] = &mut stores;
    restores(load, kept, goals).await;
    many(goals).await;
}

/// All installations of a package, as after a bad release for a whole dealer group.
async fn many(goals: &mut Goals) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(StoreOptions::new(folder.path())).expect("a store");
    let file = folder.path().join("handoff.toml");
    let config = Config::parse("", &file.display().to_string()).expect("a sound configuration");
    let process = Process::stopped(config, Arc::new(SystemClock)).expect("a process");
    let shard = Shard::stopped(store.clone(), process);
    let names: Vec<InstallationName> =
        (0..STORES).map(|store| format!("store-{store}").parse().expect("a name")).collect();
    let put = async |minor: u64| {
        let new = names.iter().map(|name| {
            let active = store.installation(name).map(|known| known.active.generation);
            NewGeneration { name: name.clone(), ..generation(minor, active) }
        });
        let made = store.put_generations(new.collect()).await.expect("they are made");
        made.into_iter().for_each(|made| drop(made.expect("a generation")));
    };
    put(0).await;
    let mut times = Samples::default();
    for _ in 0..RUNS {
        put(1).await;
        let request = json!({ "select": { "package": "bench/kept" }, "by": "bench" });
        let request = serde_json::from_value(request).expect("a request");
        let report = shard.rollback_many(&Identity::Host, request).await.expect("a rollback");
        assert_eq!(report.installations.len(), names.len(), "{:?}", report.failed);
        times.push(number(report.took_us) / 1_000.0);
    }
    let (median, p99) = (times.median(), times.at(0.99));
    goals.row(
        &format!("Rollback of {STORES} installations, from the command until all are durable"),
        &format!("{} ms", plain(p99)),
        &format!("p99 of {RUNS} runs, median {} ms", plain(median)),
        "",
        &format!("under {MANY_MS} ms"),
        Goal::of(p99 < MANY_MS),
    );
}

fn flat(without: &BTreeMap<u64, Samples>, goals: &mut Goals) {
    let (Some((few, least)), Some((many, most))) = (without.first_key_value(), without.last_key_value()) else {
        return;
    };
    let ratio = most.median() / least.median();
    goals.row(
        &format!("Rollback with {many} keys of state, schema unchanged"),
        &format!("{} ms", plain(most.median())),
        &format!("{} ms with {few} keys", plain(least.median())),
        &format!("{} times", plain(ratio)),
        &format!("the same (at most {FLAT} times)"),
        Goal::of(ratio <= FLAT),
    );
}

/// The same store, with an increasing number of keys changed since the upgrade.
async fn restores(load: Load, kept: &mut Kept, goals: &mut Goals) {
    let mut changed = 10;
    let mut least = None;
    while changed <= load.state_keys / 10 {
        let (mut durable, mut restored) = (Samples::default(), Samples::default());
        for _ in 0..5 {
            kept.upgrade().await;
            kept.write(changed, 2).await;
            let times = kept.roll_back(true, changed).await;
            durable.push(times.durable);
            restored.push(times.done);
        }
        let (first, ms) = (durable.median(), restored.median());
        let ratio = first / *least.get_or_insert(first);
        goals.row(
            &format!("↳ with restore of {changed} changed keys out of {}", load.state_keys),
            &format!("{} ms", plain(first)),
            &format!("{} ms until they are put back, {} µs a key", plain(ms), plain(1e3 * ms / number(changed))),
            &format!("{} times", plain(ratio)),
            &format!("the same (at most {FLAT} times)"),
            Goal::of(ratio <= FLAT),
        );
        changed *= 10;
    }
}

impl Kept {
    /// On the disk of the other measurements.
    async fn with(keys: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, id) = installed(folder.path()).await;
        let mut kept = Self { store, id, events: 0, _folder: folder };
        kept.write(keys, 1).await;
        kept.store.checkpoint().await.expect("a checkpoint");
        kept
    }

    /// Writes the first keys, by deliveries of the active generation.
    async fn write(&mut self, keys: u64, value: u8) {
        let mut from = 0;
        while from < keys {
            let to = keys.min(from + KEYS_EACH);
            let writes = (from..to).map(|key| (format!("key/{key:07}"), Some(vec![value; VALUE_BYTES])));
            self.commit(Effects { state_writes: writes.collect(), ..Effects::default() }).await;
            from = to;
        }
    }

    async fn commit(&mut self, effects: Effects) {
        self.events += 1;
        let now = SystemClock.now();
        let event = embedded::event(self.events);
        let new = NewEvent { event, to: Recipients::Installation(self.id) };
        self.store.append(vec![new], now, None).await.expect("the event is taken");
        let ready = self.store.ready(self.id, None, 1).expect("the store reads");
        let ready = ready.first().expect("an entry");
        let attempt = Attempt {
            installation: self.id,
            position: ready.position,
            queue_key: ready.queue_key,
            scope: "main-street".parse().expect("a name"),
            generation: self.store.installation_by_id(self.id).expect("it is there").active.generation,
            input: Default::default(),
            number: 1,
            time: now,
            finished_at: now,
        };
        let verdict = self.store.commit(attempt, self.store.snapshot(), effects, Trace::default()).await;
        assert!(matches!(verdict, Ok(Verdict::Done { .. })), "{verdict:?}");
    }

    async fn upgrade(&self) {
        let active = self.store.installation_by_id(self.id).expect("it is there").active.clone();
        let minor = if active.content.version.minor == 0 { 1 } else { 0 };
        self.store.put_generation(generation(minor, Some(active.generation))).await.expect("a generation");
    }

    async fn roll_back(&self, restore: bool, changed: u64) -> Times {
        let name: InstallationName = NAME.parse().expect("a name");
        let mut request = json!({ "by": "bench" });
        if restore {
            request["restoreState"] = true.into();
        }
        let request: RollbackRequest = serde_json::from_value(request).expect("a request");
        let file = self._folder.path().join("handoff.toml");
        let config = Config::parse("", &file.display().to_string()).expect("a sound configuration");
        let process = Process::stopped(config, Arc::new(SystemClock)).expect("a process");
        let shard = Shard::stopped(self.store.clone(), process);
        let start = Instant::now();
        let report = shard.rollback(&Identity::Host, &name, request).await.expect("a rollback");
        let done = start.elapsed().as_secs_f64() * 1_000.0;
        let expected = if restore && changed > 0 { 1 } else { 0 };
        let first = self.store.state_get(self.id, "key/0000000").expect("the store reads").expect("the first key");
        assert!(expected == 0 || first == vec![1; VALUE_BYTES], "the first key was not restored");
        Times { durable: number(report.took_us) / 1_000.0, done }
    }
}

/// Milliseconds from the command until the rollback is durable, and to the end of its job.
struct Times {
    durable: f64,
    done: f64,
}

async fn installed(folder: &Path) -> (Store, InstallationId) {
    let store = Store::open(StoreOptions::new(folder)).expect("a store");
    let made = store.put_generation(generation(0, None)).await.expect("a generation");
    (store, made.id)
}

fn generation(minor: u64, expected: Option<Generation>) -> NewGeneration {
    NewGeneration {
        name: NAME.parse().expect("a name"),
        scope: "main-street".parse().expect("a name"),
        content: GenerationContent {
            package: "bench/kept".to_owned(),
            version: format!("1.{minor}.0").parse().expect("a version"),
            digest: format!("sha256:{minor:064}"),
            state_schema: 1,
            config_json: "{}".to_owned(),
            grants: Grants::default(),
            ingress_json: "{}".to_owned(),
        },
        by: handoff_model::actor::Actor::user("bench"),
        reason: if expected.is_some() { GenerationReason::Upgrade } else { GenerationReason::Install },
        note: None,
        at: SystemClock.now(),
        expected,
        details: NewDetails::default(),
        migration: None,
        leave: None,
        changes_json: None,
    }
}
