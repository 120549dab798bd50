//! Deletes old segments of the log and, with them, the data for restoring equally old state: at the start, whenever a
//! segment is full, and once an hour for segments that only age. Decides nothing about what is still needed.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use handoff_model::time::Timestamp;

use super::Shared;

const PERIOD: Duration = Duration::from_secs(3_600);

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let (age_ms, bytes_max) = shared.retention;
    let bell = shared.store.wakeups().segments();
    loop {
        let older_than = Timestamp(shared.clock.now().0.saturating_sub(age_ms));
        let pause = match shared.store.retain(older_than, bytes_max).await {
            Ok(done) if done.segments > 0 => {
                tracing::info!(
                    segments = done.segments,
                    forgotten = done.forgotten,
                    carried = done.carried,
                    "old events forgotten"
                );
                // There may be more, because one call processes a limited amount. If everything is still needed, it was
                // only rewritten.
                if done.forgotten > 0 { Duration::from_secs(1) } else { PERIOD }
            }
            Ok(_) => PERIOD,
            Err(error) => {
                tracing::error!(%error, "old events are not forgotten; the journal grows");
                PERIOD
            }
        };
        match shared.store.drop_undo(older_than).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "state of old generations cannot be put back any more"),
            Err(error) => tracing::error!(%error, "what puts old state back is not dropped; the index grows"),
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bell.notified() => {}
            () = shared.pause(pause) => {}
        }
    }
}
