//! What people and clients do to the host: events, swaps, pauses, dead letters. Each waits for its answer in its own
//! task and records what was acknowledged. Judges nothing.

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use handoff_model::actor::Actor;
use handoff_model::event::Event;
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails, Pause};
use handoff_model::names::InstallationId;
use handoff_model::scope::Scope;
use handoff_model::time::Clock as _;
use handoff_store::{
    Appended, DeadLetterIds, HeldAction, Leave, NewEvent, NewGeneration, Recipients, Store, StoreError,
};

use super::history::{Kind, Op};
use super::outside::{Outside, Settings, place};
use super::script::{self, AT, Script, event};
use super::sites::{self, ROOFTOPS, id, name};

pub(super) fn act(outside: &Outside, store: &Store, op: &Op) {
    match op {
        Op::Event { at, key, script } => {
            let number = outside.world.lock().outside.len();
            arrive(outside, usize::from(*at), *key, script);
            append(outside, store, number..number + 1);
        }
        Op::Again { which } => {
            let count = outside.world.lock().outside.len();
            if count > 0 {
                append(outside, store, which % count..which % count + 1);
            }
        }
        Op::Burst { count, keys } => {
            let first = outside.world.lock().outside.len();
            let count = usize::from(*count);
            for number in first..first + count {
                let key = u8::try_from(number % usize::from(*keys)).ok();
                arrive(outside, number % ROOFTOPS.len(), key, &Script::default());
            }
            append(outside, store, first..first + count);
        }
        Op::Swap { to, kind, shares } => drop(swap(outside, store, usize::from(*to), *kind, *shares)),
        Op::RollBack { to, back, restore, replay } => {
            let turn = Turn { restore: *restore, replay: *replay };
            roll_back(outside, store, usize::from(*to), usize::from(*back), turn);
        }
        Op::ResolveHeld { which, release } => {
            let held = held(store);
            if let Some(request) = held.get(which % held.len().max(1)) {
                resolve_held(outside, store, vec![*request], *release);
            }
        }
        Op::Pause { to } => drop(set_paused(outside, store, usize::from(*to), true)),
        Op::Resume { to } => drop(set_paused(outside, store, usize::from(*to), false)),
        Op::Redrive { which, twice } => {
            for _ in 0..=u8::from(*twice) {
                redrive(outside, store, *which);
            }
        }
        Op::Discard { which } => discard(outside, store, *which),
        Op::Checkpoint => {
            let store = store.clone();
            let outside = outside.clone();
            tokio::spawn(async move {
                if let Err(error) = store.checkpoint().await {
                    outside.world.lock().refused(&error);
                }
            });
        }
        Op::Wait { .. } | Op::Work { .. } | Op::RunUntilIdle | Op::Crash { .. } | Op::Restart => {}
    }
}

/// An event from outside at a rooftop. Its id is the number of earlier ones there, so that rooftops have the same ids.
fn arrive(outside: &Outside, rooftop: usize, key: Option<u8>, script: &Script) {
    let scope = sites::scope(ROOFTOPS[rooftop]);
    let mut world = outside.world.lock();
    let number = world.outside.iter().filter(|(event, _)| at(event) == scope).count();
    let event = event(&scope, "/outside", &number.to_string(), "lead", key, script.bytes());
    world.outside.push((event, None));
}

/// The rooftop of an event from outside.
pub(super) fn at(event: &Event) -> Scope {
    sites::scope(&event.extensions[AT])
}

/// Appends events in one request, and repeats it until it is answered.
fn append(outside: &Outside, store: &Store, which: std::ops::Range<usize>) {
    let events: Vec<Event> =
        outside.world.lock().outside[which.clone()].iter().map(|(event, _)| event.clone()).collect();
    let (outside, store) = (outside.clone(), store.clone());
    tokio::spawn(async move {
        let new = events
            .into_iter()
            .map(|event| NewEvent { to: Recipients::Rooftop(event.extensions[AT].parse().expect("a name")), event })
            .collect();
        let done = store.append(new, outside.clock.now(), None).await;
        let mut world = outside.world.lock();
        let done = done.unwrap_or_else(|error| {
            world.refused(&error);
            Vec::new()
        });
        for (number, appended) in which.zip(done) {
            let (Appended::Accepted { position, .. } | Appended::Duplicate { position }) = appended;
            world.tell(outside.clock.now(), || format!("event {number} is {position}"));
            if world.outside[number].1.replace(position).is_some_and(|before| before != position) {
                world.broken.push(format!("event {number} has two places"));
            }
        }
    });
}

/// Repeats a request that got no answer, as a client does.
pub(super) fn send_unanswered(outside: &Outside, store: &Store) {
    let count = outside.world.lock().outside.len();
    for number in 0..count {
        if outside.world.lock().outside[number].1.is_none() {
            append(outside, store, number..number + 1);
        }
    }
}

/// Creates another generation. Returns `None` if there is no installation to change.
pub(super) fn swap(outside: &Outside, store: &Store, index: usize, kind: Kind, shares: u8) -> Option<JoinHandle<()>> {
    let (id, expected) = (id(index), store.installation(&name(index)).map(|known| known.active.generation));
    let new = NewGeneration {
        name: name(index),
        scope: sites::scope_of(id),
        content: GenerationContent {
            package: format!("acme/{}", name(index)),
            version: "1.0.0".parse().expect("a version"),
            digest: "sha256:00".to_owned(),
            state_schema: 1,
            config_json: serde_json::to_string(&Settings::of(kind, id, shares)).expect("plain data"),
            grants: sites::grants(index, shares),
            ingress_json: "{}".to_owned(),
        },
        by: Actor::user("ann"),
        reason: if expected.is_some() { GenerationReason::Upgrade } else { GenerationReason::Install },
        note: None,
        at: outside.clock.now(),
        expected,
        details: NewDetails::default(),
        migration: None,
        changes_json: None,
        leave: None,
    };
    outside.world.lock().manage(id);
    let (outside, store) = (outside.clone(), store.clone());
    Some(tokio::spawn(async move {
        match store.put_generation(new).await {
            Ok(made) => {
                let mut world = outside.world.lock();
                world.fences.push((id, made.active.generation, store.last_position()));
                world.tell(outside.clock.now(), || {
                    format!("{} is generation {}: {kind:?}", id.0, made.active.generation)
                });
            }
            // Another change was first, or a rollback is running.
            Err(StoreError::GenerationMoved { .. } | StoreError::RollbackUnderWay(_)) => {}
            Err(error) => outside.world.lock().refused(&error),
        }
    }))
}

/// Options of a rollback. The generation stores them as its note, for the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) restore: bool,
    pub(super) replay: bool,
}

/// Rolls back to an earlier generation, if there is one and no other rollback is unfinished. The engine runs the job.
fn roll_back(outside: &Outside, store: &Store, index: usize, back: usize, turn: Turn) {
    let Some(installation) = store.installation(&name(index)) else { return };
    let (id, active) = (installation.id, installation.active.generation);
    let earlier = store.generations(id).expect("the store reads").into_iter().rev();
    let earlier: Vec<_> = earlier.filter(|record| record.generation < active).collect();
    let Some(target) = earlier.get(back % earlier.len().max(1)).cloned() else { return };
    if is_unfinished(store, id) {
        return;
    }
    let new = NewGeneration {
        name: name(index),
        scope: installation.scope.clone(),
        content: target.content,
        by: Actor::user("ann"),
        reason: GenerationReason::Rollback { restores: target.generation },
        note: Some(serde_json::to_string(&turn).expect("plain data")),
        at: outside.clock.now(),
        expected: Some(active),
        details: NewDetails::default(),
        migration: None,
        leave: Some(Leave {
            to_end_of: target.generation,
            restore_state: turn.restore,
            replay: turn.replay,
            unless_paused: false,
        }),
        changes_json: None,
    };
    outside.world.lock().manage(id);
    let (outside, store) = (outside.clone(), store.clone());
    tokio::spawn(async move {
        match store.put_generation(new).await {
            Ok(made) => {
                let mut world = outside.world.lock();
                world.fences.push((id, made.active.generation, store.last_position()));
                world.tally.rollbacks += 1;
                world.tell(outside.clock.now(), || {
                    format!(
                        "{} is generation {}, back to {}: {turn:?}",
                        id.0, made.active.generation, target.generation
                    )
                });
            }
            // Another change was first.
            Err(StoreError::GenerationMoved { .. } | StoreError::RollbackUnderWay(_)) => {}
            Err(error) => outside.world.lock().refused(&error),
        }
    });
}

/// Whether a rollback job is unfinished.
pub(super) fn is_unfinished(store: &Store, id: InstallationId) -> bool {
    store.rollback_job(id).is_some_and(|job| !job.is_done())
}

/// Requests that wait for a decision.
pub(super) fn held(store: &Store) -> Vec<(InstallationId, handoff_model::names::Position)> {
    let held = store.held(None, None, 1_000).expect("the store reads");
    held.iter().map(|entry| (entry.installation, entry.position)).collect()
}

/// Releases or discards held requests.
pub(super) fn resolve_held(
    outside: &Outside,
    store: &Store,
    which: Vec<(InstallationId, handoff_model::names::Position)>,
    release: bool,
) -> JoinHandle<()> {
    let then = if release { HeldAction::Release } else { HeldAction::Discard };
    let (outside, store) = (outside.clone(), store.clone());
    tokio::spawn(async move {
        let done =
            store.resolve_held(which.clone(), then, Actor::user("ann"), "looked at".to_owned(), outside.clock.now());
        match done.await {
            Ok(_) => {
                let mut world = outside.world.lock();
                world.tally.held += u64::try_from(which.len()).expect("few");
                world.tell(outside.clock.now(), || format!("held {which:?} released: {release}"));
            }
            // Another change was first, or another rollback is running.
            Err(StoreError::NoHeldRequest(_) | StoreError::RollbackUnderWay(_)) => {}
            Err(error) => outside.world.lock().refused(&error),
        }
    })
}

fn set_paused(outside: &Outside, store: &Store, index: usize, pause: bool) -> Option<JoinHandle<()>> {
    let id = id(index);
    let turn = outside.world.lock().manage(id);
    let (outside, store) = (outside.clone(), store.clone());
    Some(tokio::spawn(async move {
        let why = pause.then(|| Pause::by(Actor::user("ann"), None, outside.clock.now()));
        let done = store.set_paused(name(index), why, Actor::user("ann"), outside.clock.now()).await;
        let mut world = outside.world.lock();
        if let Err(error) = done {
            return world.refused(&error);
        }
        world.tell(outside.clock.now(), || format!("{} paused: {pause}", id.0));
        if pause {
            world.is_paused(id, turn);
        }
    }))
}

/// Repairs an installation. Returns `None` if it needs no repair.
pub(super) fn mend(outside: &Outside, store: &Store, index: usize) -> Option<JoinHandle<()>> {
    let installation = store.installation(&name(index))?;
    if !held(store).is_empty() && !is_unfinished(store, installation.id) {
        let mine = held(store).into_iter().filter(|(id, _)| *id == installation.id).collect::<Vec<_>>();
        if !mine.is_empty() {
            return Some(resolve_held(outside, store, mine, true));
        }
    }
    let settings: Settings = serde_json::from_str(&installation.active.content.config_json).expect("settings");
    if settings.bad || settings.missing {
        return swap(outside, store, index, Kind::Good, settings.shares);
    }
    installation.paused.as_ref()?;
    set_paused(outside, store, index, false)
}

fn letter(store: &Store, which: usize) -> Option<(InstallationId, handoff_model::names::Position)> {
    let letters = store.dead_letters(None, None, 1_000).expect("the store reads");
    letters.get(which % letters.len().max(1)).map(|letter| (letter.installation, letter.position))
}

fn redrive(outside: &Outside, store: &Store, which: usize) {
    let Some(letter) = letter(store, which) else { return };
    let (id, position) = letter;
    let stored = store.event(position).expect("the store reads").expect("a dead letter keeps its event");
    outside.world.lock().healed.insert((id, script::name(&stored.event)));
    let (outside, store) = (outside.clone(), store.clone());
    tokio::spawn(async move {
        let done =
            store.redrive(DeadLetterIds(vec![letter]), Actor::user("ann"), "mended".to_owned(), outside.clock.now());
        let done = done.await;
        let mut world = outside.world.lock();
        match done {
            Ok(places) => {
                world.tell(outside.clock.now(), || format!("{} is delivered again: {places:?}", place(id, position)));
                world.tally.redriven += 1;
                if world.discarded.contains(&letter) || world.redriven.insert(letter, places[0]).is_some() {
                    world.broken.push(format!("{position} was settled twice"));
                }
            }
            Err(StoreError::NoDeadLetter(_)) => {}
            Err(error) => world.refused(&error),
        }
    });
}

fn discard(outside: &Outside, store: &Store, which: usize) {
    let Some(letter) = letter(store, which) else { return };
    let (outside, store) = (outside.clone(), store.clone());
    tokio::spawn(async move {
        let done = store
            .discard(DeadLetterIds(vec![letter]), Actor::user("ann"), "no use".to_owned(), outside.clock.now())
            .await;
        let mut world = outside.world.lock();
        match done {
            Ok(_) => {
                if world.redriven.contains_key(&letter) || !world.discarded.insert(letter) {
                    world.broken.push(format!("{letter:?} was settled twice"));
                }
            }
            Err(StoreError::NoDeadLetter(_)) => {}
            Err(error) => world.refused(&error),
        }
    });
}
