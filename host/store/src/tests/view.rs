//! The merged layers, compared with one ordered map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::apply::Sink as _;
use crate::buffer::View;
use crate::index::Index;
use crate::keys;
use crate::keys::{Key, QueueKey};
use handoff_model::names::{InstallationId, Position};

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<(u8, Option<u8>)>),
    Freeze,
    Thaw,
    Scan { prefix: u8, after: Option<u8>, limit: usize },
}

/// Keys with their own rows, `k000` to `k099` and a few before and after them, and keys that share rows.
fn key(number: u8) -> Key {
    let position = Position(u64::from(number));
    match number {
        0..100 => Key::from_vec(format!("k{number:03}").into_bytes()),
        100..150 => keys::event(Position(u64::from(number) * 3)),
        150..180 => keys::recording(Position(u64::from(number / 3)), InstallationId(1), u32::from(number)),
        180..200 => keys::queue(InstallationId(1), QueueKey::of_position(position), position),
        200..220 => keys::queue(InstallationId(1), QueueKey::of_partition_key(&number.to_string()), position),
        220..235 => keys::dedupe(&[number / 2; 16]),
        other => Key::from_slice(&[b'a' + other % 20]),
    }
}

fn op() -> impl Strategy<Value = Op> {
    let write = (any::<u8>(), proptest::option::weighted(0.4, any::<u8>()));
    prop_oneof![
        6 => proptest::collection::vec(write, 1..150).prop_map(Op::Write),
        2 => Just(Op::Freeze),
        2 => Just(Op::Thaw),
        5 => (0..8_u8, proptest::option::of(any::<u8>()), prop_oneof![0..5_usize, 60..300_usize])
            .prop_map(|(prefix, after, limit)| Op::Scan { prefix, after, limit }),
    ]
}

#[test]
fn a_scan_over_all_layers_gives_what_one_map_gives() {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let history = proptest::collection::vec(op(), 5..40);
    let result = runner.run(&history, |history| {
        let dir = tempfile::tempdir().unwrap();
        let view = View::new(Index::open(dir.path(), 1 << 20, crate::options::Steps::small().index_watch).unwrap());
        let mut model = BTreeMap::<Key, Vec<u8>>::new();
        let mut frozen = None;
        for op in history {
            step(&view, &mut model, &mut frozen, op);
        }
        Ok(())
    });
    result.unwrap();
}

type Frozen = Option<std::sync::Arc<crate::buffer::Frozen>>;

fn step(view: &View, model: &mut BTreeMap<Key, Vec<u8>>, frozen: &mut Frozen, op: Op) {
    match op {
        Op::Write(writes) => view.write(false, |sink| {
            for (number, value) in writes {
                let key = key(number);
                match value {
                    // As in the store: `insert` only where no row exists.
                    Some(value) if model.contains_key(&key) => sink.put(key.clone(), vec![value]),
                    Some(value) => sink.insert(key.clone(), vec![value]),
                    None => sink.delete(key.clone()),
                }
                match value {
                    Some(value) => model.insert(key, vec![value]),
                    None => model.remove(&key),
                };
            }
        }),
        Op::Freeze => {
            if frozen.is_none() {
                *frozen = view.freeze();
            }
        }
        Op::Thaw => {
            if let Some(layer) = frozen.take() {
                view.index().write(layer.iter()).unwrap();
                view.thaw();
            }
        }
        Op::Scan { prefix, after, limit } => {
            let one_position = &keys::recording(Position(52), InstallationId(1), 0)[..9];
            let prefix = [&b""[..], b"k", b"k0", b"k1", b"E", b"Q", b"R", one_position][usize::from(prefix)];
            let after = after.map(key);
            let found = view.scan(prefix, after.as_deref(), limit).unwrap();
            let expected: Vec<_> = model
                .iter()
                .filter(|(key, _)| key.starts_with(prefix) && after.as_ref().is_none_or(|after| *key > after))
                .take(limit)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            assert_eq!(found, expected);
            for number in (0..=255).step_by(17) {
                assert_eq!(view.get(&key(number)).unwrap().as_ref(), model.get(&key(number)));
            }
        }
    }
}
