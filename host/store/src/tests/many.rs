//! Several generations in one write.

use crate::{NewGeneration, StoreError};
use handoff_model::names::Generation;

use super::support::{Bench, generation, run};

#[test]
fn many_generations_are_durable_with_one_sync() {
    let mut store = Bench::new(|_| ());
    let names: Vec<String> = (0..40).map(|number| format!("store-{number}")).collect();
    for name in &names {
        store.install(name, &["lead"]);
    }
    let new = |name: &String, expected| generation(name, &["lead"], Some(Generation(expected)));
    let mut all: Vec<NewGeneration> = names.iter().map(|name| new(name, 1)).collect();
    // One of them was changed meanwhile.
    all[7].expected = Some(Generation(9));
    let before = store.journal_volume().syncs;
    let made = run(store.put_generations(all)).unwrap();
    assert_eq!(store.journal_volume().syncs - before, 1);
    let active = |store: &Bench| -> Vec<u64> {
        names.iter().map(|name| store.installation(&name.parse().unwrap()).unwrap().active.generation.0).collect()
    };
    let expected: Vec<u64> = (0..40).map(|number| if number == 7 { 1 } else { 2 }).collect();
    assert_eq!(active(&store), expected);
    assert!(matches!(made[7], Err(StoreError::GenerationMoved { .. })) && made[8].is_ok());
    store.kill();
    assert_eq!(active(&store), expected);
}
