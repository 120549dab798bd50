//! Index writes for rollbacks: undo rows and requeued deliveries. Reads nothing.

use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

use crate::changes::{MovedRetry, Requeued, Undo};
use crate::keys::{self, Undone};
use crate::rows::{HeadRow, QueueRow, encode};

use super::Sink;

pub(super) fn add_undo(undo: &Undo, sink: &mut impl Sink) {
    let (id, generation) = (undo.installation, undo.generation);
    for (key, before) in &undo.keys {
        sink.insert(keys::undo_state(id, generation, key), encode(before));
    }
    for (timer, before) in &undo.timers {
        sink.insert(keys::undo_timer(id, generation, timer), encode(before));
    }
    sink.put(keys::undo_size(id, generation), encode(&undo.size));
}

pub(super) fn drop_undo(
    id: InstallationId,
    generation: Generation,
    rows: &[Undone],
    is_all: bool,
    sink: &mut impl Sink,
) {
    for row in rows {
        sink.delete(match row {
            Undone::State(key) => keys::undo_state(id, generation, key),
            Undone::Timer(timer) => keys::undo_timer(id, generation, timer),
        });
    }
    if is_all {
        sink.delete(keys::undo_size(id, generation));
    }
}

pub(super) fn apply_requeued(requeued: &Requeued, sink: &mut impl Sink) {
    let id = requeued.installation;
    for back in &requeued.back {
        match back.waited_for {
            Some(due) => sink.delete(keys::waiting(id, due, back.position)),
            None => sink.delete(keys::head(id, back.position)),
        }
        let row = QueueRow { enqueued_at: back.enqueued_at, attempts: back.attempts, due: None };
        sink.put(keys::queue(id, back.queue_key, back.position), encode(&row));
    }
    for again in &requeued.entries {
        let row = QueueRow { enqueued_at: requeued.at, attempts: again.attempts, due: None };
        sink.put(keys::queue(id, again.queue_key, again.position), encode(&row));
        if again.head {
            sink.put(
                keys::head(id, again.position),
                HeadRow { queue_key: again.queue_key, queued: Some(row) }.encode(),
            );
        }
    }
}

/// Deliveries that wait for a retry become due at `due`.
pub(super) fn move_retries(id: InstallationId, due: Timestamp, moved: &[MovedRetry], sink: &mut impl Sink) {
    for retry in moved {
        sink.delete(keys::waiting(id, retry.was_due, retry.position));
        sink.put(keys::waiting(id, due, retry.position), encode(&retry.queue_key));
        let row = QueueRow { enqueued_at: retry.enqueued_at, attempts: retry.attempts, due: Some(due) };
        sink.put(keys::queue(id, retry.queue_key, retry.position), encode(&row));
    }
}
