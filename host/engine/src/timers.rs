//! Fires timers when they are due. Decides nothing about what they cause.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Shared;

/// Pause after an error of the store.
const REST: Duration = Duration::from_secs(1);

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let bell = shared.store.wakeups().timers();
    loop {
        let next = match shared.store.fire_timers(shared.clock.now()).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "timers do not fire");
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = shared.pause(REST) => continue,
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bell.notified() => {}
            () = shared.wait_until(next) => {}
        }
    }
}
