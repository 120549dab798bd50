//! The operation that uninstalls an installation and installs another one under its name.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::Uninstall;
use handoff_model::actor::Actor;
use handoff_model::time::Timestamp;

use super::super::model::Own;
use super::super::support::run;
use super::{Kill, NAMES, Op, Pair, op};

impl Pair {
    /// Uninstalls an installation, and installs another one under its name.
    pub(super) fn reinstall(&mut self, to: u8) {
        let (name, accepts) = NAMES[usize::from(to)];
        let (id, own) = self.own(to);
        let expected = own.clone();
        let ask = Uninstall {
            name: name.parse().unwrap(),
            by: Actor::user("ann"),
            reason: None,
            at: Timestamp(self.model.now),
            export: None,
        };
        let removed = run(self.store.uninstall(ask)).unwrap().removed;
        let counts = [removed.events, removed.dead_letters, removed.timers, removed.state_keys];
        let sizes = [expected.queue.len(), expected.letters.len(), expected.timers.len(), expected.state.len()];
        assert_eq!(counts.map(|count| usize::try_from(count).unwrap()), sizes);
        self.model.own.remove(&id.0);
        self.model.gone.insert(id.0);
        self.midway = Some(self.model.clone());
        let new = self.store.install(name, accepts).id;
        assert!(new > id, "a number is never used again");
        self.model.own.insert(new.0, Own { generation: 1, undo_reaches: 1, ..Own::default() });
    }
}

/// Without rollbacks: `swaps` tries those.
#[test]
fn reinstalled_at_any_point_nothing_of_the_earlier_one_is_left() {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let other = op().prop_filter("no rollback", |op| !matches!(op, Op::Rollback(_)));
    let op = prop_oneof![12 => other, 1 => (0..2_u8).prop_map(|to| Op::Reinstall { to })];
    let result = runner.run(&proptest::collection::vec(op, 20..120), |history| {
        let mut pair = Pair::new();
        for op in &history {
            pair.step(op);
        }
        pair.model.check(&pair.store);
        pair.kill(Kill::Plain);
        pair.kill(Kill::LostIndex);
        Ok(())
    });
    result.unwrap();
}
