//! Sends counts to the registries once a day, or on command.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio_util::sync::CancellationToken;

use handoff_control::registry::failure_counts::{SentCounts, SentCountsList};
use handoff_registry_client::{ClientError, Registry};

use super::Pending;
use crate::error::AppError;
use crate::registry::registry_error;
use crate::shard::{Shard, blocking};

/// The first report follows the start by this long: before, there is little to count.
const FIRST_MS: u64 = 3_600_000;
const EVERY_MS: u64 = 24 * 3_600_000;
/// Pause after a report that was not sent.
const AGAIN_MS: u64 = 3_600_000;
/// Hosts should not report at the same time: up to this much is added to each pause.
const JITTER_MS: u64 = 1_800_000;
/// Timeout for one report.
const SEND_TIME: Duration = Duration::from_secs(60);

/// Sends once a day until it is stopped. Returns immediately if no registry gets counts.
pub async fn run(shard: Arc<Shard>, stop: CancellationToken) {
    let registries: Vec<String> = shard.sharing().map(str::to_owned).collect();
    if registries.is_empty() {
        return;
    }
    let (mut chance, mut pause_ms) = (StdRng::from_os_rng(), FIRST_MS);
    loop {
        let next = shard.now().plus_ms(pause_ms.saturating_add(chance.random_range(0..=JITTER_MS)));
        tokio::select! {
            () = stop.cancelled() => return,
            () = shard.process.clock.wait_until(next) => {}
        }
        let send = async {
            let mut all = true;
            for registry in &registries {
                if let Err(error) = shard.send_to(registry).await {
                    tracing::warn!(
                        registry,
                        error = error.chain(),
                        "failure counts were not sent; tried again in an hour"
                    );
                    all = false;
                }
            }
            all
        };
        tokio::select! {
            () = stop.cancelled() => return,
            all = send => pause_ms = if all { EVERY_MS } else { AGAIN_MS },
        }
    }
}

impl Shard {
    /// Sends the counts of all packages now.
    pub async fn send_failure_counts(self: &Arc<Self>) -> Result<SentCountsList, AppError> {
        self.require_running()?;
        let mut registries = Vec::new();
        for name in self.sharing() {
            let reports = self.send_to(name).await?;
            registries.push(SentCounts { registry: name.to_owned(), reports });
        }
        if registries.is_empty() {
            let message = "no registry gets failure counts: set `share-failure-counts = true` in [registries.NAME]";
            return Err(AppError::invalid("registries", message.to_owned()));
        }
        Ok(SentCountsList { registries })
    }

    fn sharing(&self) -> impl Iterator<Item = &str> {
        let all = self.process.config.registries.by_name.iter();
        all.filter(|(_, config)| config.share_failure_counts).map(|(name, _)| name.as_str())
    }

    /// Sends a registry what it has not been sent. Returns the number of reports. What fails is sent again later.
    async fn send_to(self: &Arc<Self>, name: &str) -> Result<u64, AppError> {
        let _one_at_a_time = self.failure_counts.sending.lock().await;
        let (name, registry) = self.registry(Some(name)).await?;
        let mut reports = 0;
        // First what was sent without an answer, then what was counted since.
        for pending in self.take_pending(&name) {
            reports += self.send_one(&name, &registry, pending).await?;
        }
        let (shard, of) = (self.clone(), name.clone());
        for pending in blocking(move || shard.unsent(&of)).await?? {
            reports += self.send_one(&name, &registry, pending).await?;
        }
        self.failure_counts.state.lock().last.insert(name, self.now());
        Ok(reports)
    }

    fn take_pending(&self, name: &str) -> Vec<Pending> {
        let state = self.failure_counts.state.lock();
        state.pending.iter().filter(|((registry, _), _)| registry == name).map(|(_, pending)| pending.clone()).collect()
    }

    async fn send_one(&self, name: &str, registry: &Registry, pending: Pending) -> Result<u64, AppError> {
        let key = (name.to_owned(), pending.report.package.clone());
        self.failure_counts.state.lock().pending.insert(key.clone(), pending.clone());
        let sent = tokio::time::timeout(SEND_TIME, registry.send_failure_report(&pending.report)).await;
        let done = match sent {
            Err(_) => {
                let problem = format!("no answer within {} s", SEND_TIME.as_secs());
                return Err(registry_error(ClientError::Unreachable { registry: registry.name(), problem }));
            }
            Ok(Ok(())) => 1,
            // It will never be accepted: for example, the registry does not have the version any more.
            Ok(Err(ClientError::Refused { status: 400 | 404, problem, .. })) => {
                tracing::warn!(registry = name, package = %key.1, reason = problem, "failure counts were refused");
                0
            }
            Ok(Err(error)) => return Err(registry_error(error)),
        };
        let mut state = self.failure_counts.state.lock();
        state.pending.remove(&key);
        state.sent.extend(pending.reaches.into_iter().map(|(digest, tally)| ((name.to_owned(), digest), tally)));
        Ok(done)
    }
}
