//! A host inside this process: the application layer without HTTP, a second process or a load generator. It starts,
//! installs, publishes and waits; it measures nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handoff_app::process::Process;
use handoff_app::shard::Shard;
use handoff_config::Config;
use handoff_control::installations::install::InstallRequest;
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_model::actor::Identity;
use handoff_model::event::{Event, PARTITION_KEY};
use handoff_model::names::{InstallationId, InstallationName};
use handoff_model::time::SystemClock;
use handoff_store::Appended;
use serde_json::json;
use tempfile::TempDir;

use crate::guest::TYPE_NAME;

/// Time limit of a run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// Payload of every event.
pub(crate) const DATA_BYTES: usize = 1_024;
/// Polling interval of waits. Short compared with all measured times.
const LOOK: Duration = Duration::from_millis(1);

/// A running host, its folder, and the number of published events.
pub(crate) struct Embedded {
    pub(crate) host: Arc<Shard>,
    folder: TempDir,
    next: Arc<AtomicU64>,
}

impl Embedded {
    /// A host with an empty folder. `toml` is added to its configuration.
    pub(crate) async fn start(toml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let host = start_in(folder.path(), toml).await;
        Self { host, folder, next: Arc::default() }
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Stores a package and creates an installation of it that accepts [`TYPE_NAME`].
    pub(crate) async fn install(&self, name: &str, package: &[u8]) -> InstallationId {
        let digest = self.host.put_package(package.to_vec().into()).await.expect("a package").digest;
        let name: InstallationName = name.parse().expect("a name");
        let request = InstallRequest {
            name: name.clone(),
            digest,
            settings: json!({ "rooftop": "main-street" }),
            settings_folder: None,
            by: None,
            reason: None,
            dry_run: false,
            force: false,
        };
        let report = self.host.install(&Identity::Host, request).await.expect("an installation");
        assert!(report.applied, "{name} is not installed: {report:?}");
        self.host.store().installation(&name).expect("the installation").id
    }

    /// Publishes events to subscribers from several tasks, each waiting for its acknowledgement.
    pub(crate) async fn publish(&self, events: u64, producers: usize) {
        self.publish_to(events, producers, |_| None).await;
    }

    /// The same, each event to the installation that `to` returns for its number.
    pub(crate) async fn publish_to<F>(&self, events: u64, producers: usize, to: F)
    where
        F: Fn(u64) -> Option<InstallationName> + Clone + Send + 'static,
    {
        let end = self.next.load(Ordering::Relaxed) + events;
        let tasks: Vec<_> = (0..producers)
            .map(|_| {
                let (host, next, to) = (self.host.clone(), self.next.clone(), to.clone());
                tokio::spawn(async move {
                    // Numbers are unique over all runs, because the host accepts an id only once.
                    while let Some(number) = take(&next, end) {
                        let incoming = Incoming { to: addressee(to(number)), event: event(number) };
                        let appended = host.accept(vec![incoming]).await.expect("the event is taken");
                        assert!(matches!(appended[..], [Appended::Accepted { .. }]), "{appended:?}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a producer");
        }
    }

    /// Publishes events in batches, to fill queues fast.
    pub(crate) async fn publish_batches(&self, events: u64, batch: u64) {
        let mut left = events;
        while left > 0 {
            let count = left.min(batch);
            let first = self.next.fetch_add(count, Ordering::Relaxed);
            let batch =
                (first..first + count).map(|number| Incoming { to: addressee(None), event: event(number) }).collect();
            let appended = self.host.accept(batch).await.expect("the events are taken");
            assert!(appended.iter().all(|one| matches!(one, Appended::Accepted { .. })), "an event was known already");
            left -= count;
        }
    }

    /// Number of committed deliveries of an installation.
    pub(crate) fn committed(&self, id: InstallationId) -> u64 {
        self.host.store().counts(id).committed
    }

    /// Waits for a total number of commits of these installations.
    ///
    /// # Panics
    /// If they do not arrive, if there are more, or if a delivery failed.
    pub(crate) async fn wait_committed(&self, ids: &[InstallationId], wanted: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let committed: u64 = ids.iter().map(|id| self.committed(*id)).sum();
            if committed >= wanted {
                assert_eq!(committed, wanted, "more deliveries were committed than events published");
                break;
            }
            assert!(Instant::now() < deadline, "{committed} of {wanted} deliveries within {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        for id in ids {
            let counts = self.host.store().counts(*id);
            assert_eq!((counts.failed_attempts, counts.dead_lettered), (0, 0), "deliveries of {id:?} failed");
        }
    }

    /// Stops the host and removes its folder.
    pub(crate) async fn stop(self) {
        self.host.stop().await;
    }
}

async fn start_in(folder: &Path, toml: &str) -> Arc<Shard> {
    let text = format!("[rooftops.main-street]\ntime-zone = \"America/Chicago\"\n\n{toml}");
    let file = folder.join("handoff.toml");
    let config = Config::parse(&text, &file.display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    let process = Process::start(config, Arc::new(SystemClock)).unwrap_or_else(|error| panic!("no process: {error}"));
    Shard::start(process, 7).await.unwrap_or_else(|error| panic!("the host does not start: {error}"))
}

/// One installation, or all subscribers of the rooftop.
fn addressee(to: Option<InstallationName>) -> Addressee {
    to.map_or_else(|| Addressee::Rooftop("main-street".parse().expect("a name")), Addressee::Installation)
}

/// The next number below `end`.
fn take(next: &AtomicU64, end: u64) -> Option<u64> {
    next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |number| (number < end).then_some(number + 1)).ok()
}

/// An event with its own key, like a lead.
pub(crate) fn event(number: u64) -> Event {
    Event {
        id: format!("lead-{number}"),
        source: "https://leads.example/feed".to_owned(),
        type_name: TYPE_NAME.to_owned(),
        subject: None,
        time: None,
        data_content_type: Some("application/json".to_owned()),
        data_schema: None,
        extensions: [(PARTITION_KEY.to_owned(), format!("lead-{number}"))].into(),
        data: data(number),
    }
}

/// A JSON text of [`DATA_BYTES`] bytes that is unique per number.
pub(crate) fn data(number: u64) -> Vec<u8> {
    let mut text = format!("{{\"number\":{number},\"text\":\"");
    let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < DATA_BYTES - 2 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:016x}", seed ^ (seed >> 29)));
    }
    text.truncate(DATA_BYTES - 2);
    text.push_str("\"}");
    text.into_bytes()
}
