//! What must hold once everything has ended: the log, each entry's end, the timers, and each installation's data.

use std::collections::BTreeSet;

use handoff_model::names::InstallationId;
use handoff_store::{MetricValue, Standing};

use super::{Commit, Model, name};
use crate::tests::script::Script;
use crate::tests::sites;
use crate::tests::world::{Place, World};

impl Model<'_> {
    /// The log holds exactly the expected events, for the expected installations.
    pub(super) fn check_log(&self) {
        for (position, stored) in &self.log {
            let name = name(stored);
            let expected = self.expected.get(&name).unwrap_or_else(|| panic!("{position}: nobody made {name:?}"));
            assert_eq!(expected.event, stored.event, "{position}");
            let to: BTreeSet<InstallationId> = stored.routed_to.iter().copied().collect();
            let of = stored.redrive_of;
            assert!(to == expected.to || (of.is_some() && to.len() == 1), "{position} went to {to:?}");
        }
        for (name, expected) in &self.expected {
            assert!(!expected.is_certain || self.places.contains_key(name), "{name:?} is lost");
        }
    }

    /// Each entry was handled once, or became a dead letter, as its script says.
    pub(super) fn check_standings(&self, world: &World, commits: &[Commit]) {
        let committed: BTreeSet<Place> = commits.iter().map(|commit| (commit.id, commit.position)).collect();
        for (place, standing) in &self.standings {
            let stored = &self.log[&place.1];
            let is_copy = stored.redrive_of.is_some();
            let may_die = Script::of(&stored.event).dies_at(self.limits.max_attempts).is_some();
            let dies = may_die && !is_copy;
            // A rollback delivers dead letters again, and they may fail again.
            let by_rollback = is_copy && may_die && !self.own[&place.0].turns.is_empty();
            let is_right = match standing {
                Standing::Redriven { position } if by_rollback => self.log[position].redrive_of == Some(place.1),
                Standing::DeadLetter | Standing::Discarded if by_rollback => !world.redriven.contains_key(place),
                Standing::Committed => committed.contains(place) && !dies,
                Standing::DeadLetter => dies && !world.redriven.contains_key(place) && !world.discarded.contains(place),
                Standing::Redriven { position } => dies && self.log[position].redrive_of == Some(place.1),
                Standing::Discarded => dies && !world.redriven.contains_key(place),
                Standing::Waiting | Standing::Retrying { .. } | Standing::Uninstalled => false,
            };
            assert!(is_right, "{place:?} is {standing:?}");
            let scope = sites::handles_in(place.0, &stored.scope);
            assert_eq!(world.scopes.get(place), Some(&scope), "{place:?} of {}", stored.scope);
        }
        for (place, copy) in &world.redriven {
            assert_eq!(self.standings[place], Standing::Redriven { position: *copy }, "{place:?}");
        }
        let copies: Vec<_> =
            self.log.values().filter_map(|stored| Some((stored.redrive_of?, &stored.routed_to))).collect();
        let distinct: BTreeSet<_> = copies.iter().collect();
        assert_eq!(copies.len(), distinct.len(), "a dead letter is delivered again once");
    }

    /// Each timer fired once unless it was replaced or cancelled, and never before its time or after its replacement.
    pub(super) fn check_timers(&self, world: &mut World) {
        // Timers that were set, cancelled or fired and then rolled back have no single order that could be checked
        // here.
        for (id, own) in self.own.iter().filter(|(_, own)| own.turns.is_empty()) {
            for (key, history) in &own.timers {
                for (index, (set, timer)) in history.iter().enumerate() {
                    let Some((due, name)) = timer else { continue };
                    let next = history.get(index + 1).map(|(marker, _)| *marker);
                    let what = format!("timer {key} of {id:?} that {set} set, due {due}");
                    match self.places.get(name) {
                        None => assert!(next.is_some(), "{what}, never fired"),
                        Some(fired) => {
                            world.tally.timers += 1;
                            assert!(set < fired && next.is_none_or(|next| *fired < next), "{what}, fired at {fired}");
                            assert!(self.log[fired].received_at >= *due, "{what}, fired too early");
                        }
                    }
                }
            }
        }
    }

    pub(super) fn check_own(&self) {
        for (id, own) in &self.own {
            let state = self.store.state_scan(*id, "", None, 100_000).expect("the store reads");
            assert_eq!(state, own.state.clone().into_iter().collect::<Vec<_>>(), "state of {id:?}");
            let open: Vec<_> = own.again.keys().filter(|position| !own.settled.contains(position)).collect();
            assert!(open.is_empty(), "{open:?} of {id:?} were to be delivered again");
            assert_eq!(self.store.counts(*id).committed, own.commits, "commits of {id:?}");
            let handled = self.store.metrics(*id).expect("the store reads").into_iter().map(|row| row.value).next();
            assert_eq!(handled, (own.commits > 0).then_some(MetricValue::Counter(own.commits)), "figures of {id:?}");
        }
    }
}
