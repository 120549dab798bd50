//! Event sources that the host runs itself: watched folders and schedules. Each installation that has any gets one
//! task, which restarts when its generation changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use handoff_ingress::folders::{FolderScanner, ScanReport};
use handoff_ingress::schedules::Schedule;
use handoff_ingress::sink::{BoxFuture, Incoming, Sink, SinkError};
use handoff_model::installation::Installation;
use handoff_model::names::{Generation, InstallationId};
use handoff_store::{NewEvent, Recipients, ScheduleTick};

use super::error::AppError;
use crate::shard::{Shard, ingress_settings};

/// How often folders are scanned. It polls, because network shares send no change notifications.
const SCAN_PERIOD: Duration = Duration::from_millis(500);
/// How long to wait after the store refused a tick, in milliseconds.
const REST_MS: u64 = 5_000;

/// Runs all folders and schedules until it is stopped.
pub async fn run(shard: Arc<Shard>, stop: CancellationToken) {
    let mut changes = shard.store.wakeups().installations();
    let mut running = HashMap::<InstallationId, (Generation, CancellationToken, JoinHandle<()>)>::new();
    loop {
        let installations = shard.store.installations();
        let is_there = |id: &InstallationId| installations.iter().any(|installation| installation.id == *id);
        let ended: Vec<InstallationId> = running.keys().filter(|id| !is_there(id)).copied().collect();
        for id in ended {
            if let Some((_, old, task)) = running.remove(&id) {
                old.cancel();
                drop(task.await);
            }
        }
        for installation in installations {
            let generation = installation.active.generation;
            if running.get(&installation.id).is_some_and(|(known, ..)| *known == generation) {
                continue;
            }
            if let Some((_, old, task)) = running.remove(&installation.id) {
                old.cancel();
                drop(task.await);
            }
            let own = stop.child_token();
            let task = tokio::spawn(serve(shard.clone(), installation.clone(), own.clone()));
            running.insert(installation.id, (generation, own, task));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            true = changes.changed() => {}
        }
    }
    for (_, (_, _, task)) in running {
        drop(task.await);
    }
}

/// Runs the folders and schedules of one generation.
async fn serve(shard: Arc<Shard>, installation: Arc<Installation>, stop: CancellationToken) {
    let settings = match ingress_settings(&installation) {
        Ok(settings) => settings,
        Err(error) => return tracing::error!(installation = %installation.name, %error, "no folder or schedule runs"),
    };
    let most = u64::try_from(shard.process.config.engine_limits.event_bytes).unwrap_or(u64::MAX);
    let mut tasks = tokio::task::JoinSet::new();
    for folder in settings.folders {
        let archive = shard.process.config.data.join("folders").join(installation.name.as_str()).join(&folder.name);
        let scanner = FolderScanner::new(installation.name.clone(), folder, archive, most);
        tasks.spawn(watch_folder(shard.clone(), scanner, stop.clone()));
    }
    let zone = shard.process.config.zone(&installation.scope);
    for schedule in settings.schedules {
        let Some(zone) = zone else {
            tracing::error!(installation = %installation.name, scope = %installation.scope, "no schedule ticks: handoff.toml does not define its rooftop or group");
            break;
        };
        match Schedule::new(&installation.name, &schedule, zone) {
            Ok(schedule) => {
                tasks.spawn(tick(shard.clone(), installation.clone(), schedule, stop.clone()));
            }
            Err(error) => tracing::error!(installation = %installation.name, %error, "a schedule does not tick"),
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn watch_folder(shard: Arc<Shard>, mut scanner: FolderScanner, stop: CancellationToken) {
    loop {
        let sink = HostSink(shard.clone());
        let scanned = scanner.scan_once(&sink, shard.now()).await;
        shard.folders.report(&scanner, &scanned);
        if let Ok(report) = scanned {
            tell(&scanner, &report);
        }
        tokio::select! {
            () = stop.cancelled() => return shard.folders.forget(&scanner),
            () = tokio::time::sleep(SCAN_PERIOD) => {}
        }
    }
}

/// Logs what happened to each file. What could not be taken is an incident.
fn tell(scanner: &FolderScanner, report: &ScanReport) {
    let folder = &scanner.settings().name;
    for name in &report.delivered {
        tracing::info!(folder, file = name, "file taken");
    }
    let archive = scanner.archive().display();
    for (name, reason) in &report.refused {
        tracing::warn!(folder, file = name, reason, %archive, "file refused and moved to `refused` of the archive");
    }
    if let Some(reason) = &report.busy {
        tracing::warn!(folder, reason, "files wait in the folder");
    }
}

async fn tick(shard: Arc<Shard>, installation: Arc<Installation>, schedule: Schedule, stop: CancellationToken) {
    loop {
        let now = shard.now();
        let last = shard.store.last_tick(installation.id, schedule.name()).ok().flatten();
        let last = last.unwrap_or(installation.active.at);
        let wake_at = match schedule.due(last, now) {
            Some(due) => {
                let event = NewEvent { event: schedule.event(due), to: Recipients::Installation(installation.id) };
                let tick = ScheduleTick {
                    installation: installation.id,
                    schedule: schedule.name().to_owned(),
                    at: due.scheduled,
                };
                match shard.store.append(vec![event], now, Some(tick)).await {
                    Ok(_) => now,
                    Err(error) => {
                        tracing::error!(installation = %installation.name, schedule = schedule.name(), %error, "a tick waits");
                        now.plus_ms(REST_MS)
                    }
                }
            }
            // Nothing is due after the last tick, so the first tick after it is the next one.
            None => match schedule.next_after(last) {
                Some(next) => next.due,
                None => return,
            },
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = shard.process.clock.wait_until(wake_at) => {}
        }
    }
}

/// Accepts the events of watched folders.
struct HostSink(Arc<Shard>);

impl Sink for HostSink {
    fn accept(&self, events: Vec<Incoming>) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            match self.0.accept(events).await {
                Ok(_) => Ok(()),
                Err(error @ (AppError::Busy { .. } | AppError::Stopping)) => Err(SinkError::Busy(error.to_string())),
                Err(error @ AppError::NotFound { .. }) => Err(SinkError::Refused(error.to_string())),
                Err(error) => Err(SinkError::Failed(error.chain())),
            }
        })
    }
}
