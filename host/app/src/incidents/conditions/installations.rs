//! Conditions of installations: those that the host paused, and schedules that cannot tick.

use super::super::keeper::Condition;
use super::of;
use crate::count::count;
use crate::shard::{Shard, ingress_settings};

pub(super) fn find(shard: &Shard, found: &mut Vec<Condition>) {
    for installation in shard.store.installations() {
        let name = &installation.name;
        if let Some(pause) = installation.paused.as_ref().filter(|pause| !pause.is_by_a_person()) {
            let waiting = shard.store.counts(installation.id).waiting;
            found.push(Condition {
                since: Some(pause.at),
                waits: Some(count(waiting, "event", "events")),
                command: Some(format!(
                    "correct the cause, with `handoff upgrade {name} --settings FILE` if it is in the settings, then \
                     handoff resume {name}"
                )),
                ..of(name, "paused", name.to_string(), format!("the host paused `{name}`: {}", pause.message))
            });
        }
        let is_configured = shard.process.config.zone(&installation.scope).is_some();
        if !is_configured && ingress_settings(&installation).is_ok_and(|settings| !settings.schedules.is_empty()) {
            let message = format!(
                "no schedule of `{name}` ticks: `{}` is not in handoff.toml, so that its time zone is unknown",
                installation.scope
            );
            found.push(Condition {
                command: Some(format!(
                    "add [{}], then restart the host",
                    installation.scope.path().trim_start_matches('/').replace('/', ".")
                )),
                ..of(name, "schedules-stopped", name.to_string(), message)
            });
        }
    }
}
