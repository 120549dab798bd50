//! Turns what goes with a record into writes of the index. Reads nothing, like the records' own writes.

use crate::store::audit;
use crate::store::journal::Location;
use crate::store::keys;
use crate::store::records::More;
use crate::store::rows::{DetailsRow, encode};

use super::Sink;

/// Makes the writes of what goes with the record at `at`, after the record's own.
pub(super) fn apply(more: &More, at: Location, sink: &mut impl Sink) {
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
    }
}
