//! What undo costs a commit, and what a rollback costs. Prints figures; decides nothing.

use std::time::Instant;

use crate::model::effects::Trace;
use crate::model::installation::GenerationReason;
use crate::model::names::Generation;
use crate::model::time::Timestamp;
use crate::store::{Leave, NewEvent, Ready, Recipients};

use super::support::{Bench, event, generation, lane, run, writes};

const COMMITS: usize = 20_000;

#[test]
#[ignore = "prints figures"]
fn cost() {
    for (name, keys) in [("100 keys again and again", 100), ("a new key each time", usize::MAX)] {
        for generations in [1, 2] {
            let store = Bench::new(|_| ());
            let id = store.install("leads", &["lead"]).id;
            if generations == 2 {
                store.install("leads", &["lead"]);
            }
            let events = (0..COMMITS)
                .map(|number| NewEvent { event: event(&format!("e-{number}"), None), to: Recipients::Subscribers });
            let events: Vec<_> = events.collect();
            for chunk in events.chunks(2_000) {
                run(store.append(chunk.to_vec(), Timestamp(1), None)).unwrap();
            }
            let ready = store.ready(id, None, COMMITS).unwrap();
            let started = Instant::now();
            for (chunk_number, chunk) in ready.chunks(500).enumerate() {
                let commits = chunk.iter().enumerate().map(|(number, entry)| {
                    let entry = Ready { position: entry.position, lane: lane(None, entry.position.0) };
                    let key = format!("key-{}", (chunk_number * 500 + number) % keys);
                    let effects = writes(&[(&key, Some(&[7; 200]))]);
                    store.commit(store.attempt(id, entry), store.snapshot(), effects, Trace::default())
                });
                let commits: Vec<_> = commits.collect();
                run(futures_util::future::join_all(commits));
            }
            let took = started.elapsed();
            println!("{name}, generation {generations}: {:?} a commit", took / u32::try_from(COMMITS).unwrap());
            if generations == 2 {
                let mut new = generation("leads", &["lead"], Some(Generation(2)));
                new.reason = GenerationReason::Rollback { restores: Generation(1) };
                new.leave = Some(Leave { to_end_of: Generation(1), restore_state: true, replay: false });
                let started = Instant::now();
                run(store.put_generation(new)).unwrap();
                let put = started.elapsed();
                while !run(store.continue_aftermath(id, Timestamp(9))).unwrap().is_done() {}
                println!("  rollback {put:?}, restored in {:?}: {:?}", started.elapsed(), store.aftermath(id).unwrap());
            }
        }
    }
}
