//! Tests of the whole store, which try to make it lose, duplicate or reorder data. No clock, no network, no sleeping:
//! times are numbers, and kills are copies of the data folder.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has found something")]

mod audit;
mod backup;
mod bodies;
mod checkpoints;
mod conflicts;
mod conformance;
mod deliveries;
mod faults;
mod find;
mod groups;
mod journal;
mod many;
mod model;
mod outbox;
mod power;
mod random;
mod recovery;
mod retention;
mod rewrite;
mod rollback;
mod rollback_again;
mod rollback_large;
mod rooftops;
mod room;
mod shares;
mod support;
mod swaps;
mod timers;
mod track_records;
mod undo;
mod uninstall;
mod view;
mod withdraw;
