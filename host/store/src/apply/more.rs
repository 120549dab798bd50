//! Turns what goes with a record into writes of the index. Reads nothing, like the records' own writes.

use crate::audit;
use crate::journal::Location;
use crate::keys;
use crate::records::{More, Moved, Record, Requeued};
use crate::rows::{DetailsRow, HeadRow, OutboxState, QueueRow, encode};

use super::Sink;

/// Makes the writes of what goes with the record at `at`, after the record's own.
pub(super) fn apply(more: &More, record: &Record, at: Location, sink: &mut impl Sink) {
    match more {
        More::Audit(entry) => {
            sink.put(keys::audit(entry.number), encode(entry));
            sink.put(keys::meta(audit::HEAD), encode(&(entry.number, entry.hash)));
        }
        More::Details { installation, generation, details, committed } => {
            let row = DetailsRow { details: details.as_ref().clone(), committed: *committed, at };
            sink.put(keys::details(*installation, *generation), encode(&row));
        }
        More::Fact { kind, key, value } => {
            let place = keys::fact(kind.number(), key);
            match value {
                Some(value) => sink.put(place, value.clone()),
                None => sink.delete(place),
            }
        }
        More::Epoch { installation, generation, at } => sink.put(keys::epoch(*installation, *generation), encode(at)),
        More::Undo(undo) => {
            let (id, generation) = (undo.installation, undo.generation);
            for (index, row) in (0..).zip(&undo.rows) {
                let number = undo.first.saturating_add(index);
                sink.insert(keys::undo(id, generation, number), encode(row));
            }
            sink.put(keys::undo_end(id, generation), encode(&undo.end));
        }
        More::UndoClosed { installation, generation } => sink.delete(keys::epoch(*installation, *generation)),
        More::UndoDropped { installation, generation, numbers, end } => {
            numbers.iter().for_each(|number| sink.delete(keys::undo(*installation, *generation, *number)));
            let place = keys::undo_end(*installation, *generation);
            match end {
                Some(end) => sink.put(place, encode(end)),
                None => sink.delete(place),
            }
        }
        More::State { installation, writes } => super::write_state(*installation, writes, sink),
        More::Timers { installation, set, removed } => super::write_timers(*installation, set, removed, sink),
        More::Marker(marker) => sink.put(keys::aftermath(marker.installation), encode(marker)),
        More::MarkerGone { installation } => sink.delete(keys::aftermath(*installation)),
        More::Moved(moved) => moved.iter().for_each(|moved| apply_moved(moved, sink)),
        More::WasHeld { installation, position, still } => {
            if !still {
                sink.delete(keys::held(*installation, *position));
            }
        }
        More::StillHeld(states) => {
            let Record::Carried { requests, .. } = record else { return };
            let mut next = 0;
            // Ascending, so that a few bytes cannot ask for many writes.
            for (index, state) in states {
                if *index < next {
                    continue;
                }
                next = index.saturating_add(1);
                let request = usize::try_from(*index).ok().and_then(|index| requests.get(index));
                if let Some((id, request)) = request {
                    super::put_request(*id, request, at, *index, state.clone(), sink);
                }
            }
        }
        More::Requeued(requeued) => apply_requeued(requeued, sink),
        More::Repeated(repeated) => sink.put(keys::repeated(repeated.installation), encode(&repeated.so_far)),
    }
}

fn apply_moved(moved: &Moved, sink: &mut impl Sink) {
    let (id, position) = (moved.installation, moved.position);
    match moved.was_due {
        Some(due) => sink.delete(keys::outbox_due(due, id, position)),
        None => sink.delete(keys::held(id, position)),
    }
    sink.put(keys::outbox(id, position), encode(&moved.row));
    match moved.row.state {
        OutboxState::Pending { due, .. } => sink.put(keys::outbox_due(due, id, position), Vec::new()),
        OutboxState::Held { .. } => sink.put(keys::held(id, position), Vec::new()),
        OutboxState::Answered { .. } | OutboxState::Failed { .. } | OutboxState::Discarded { .. } => {}
    }
}

fn apply_requeued(requeued: &Requeued, sink: &mut impl Sink) {
    let id = requeued.installation;
    for back in &requeued.back {
        match back.waited_for {
            Some(due) => sink.delete(keys::waiting(id, due, back.position)),
            None => sink.delete(keys::head(id, back.position)),
        }
        let row = QueueRow { enqueued_at: back.enqueued_at, attempts: back.attempts, due: None };
        sink.put(keys::queue(id, back.lane, back.position), encode(&row));
    }
    for again in &requeued.entries {
        let row = QueueRow { enqueued_at: requeued.at, attempts: again.attempts, due: None };
        sink.put(keys::queue(id, again.lane, again.position), encode(&row));
        if again.head {
            sink.put(keys::head(id, again.position), HeadRow { lane: again.lane, queued: Some(row) }.encode());
        }
    }
}
