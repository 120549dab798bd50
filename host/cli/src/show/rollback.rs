//! Formats the result of a rollback, or of its dry run, in a few lines.

use super::type_in_words;
use crate::style::{Style, Tone, clean, count, duration};
use handoff_control::installations::rollback::{
    CannotBeUnsent, EmittedHandled, KeepOrRestore, RollbackJobView, RollbackReport, RollbackStep,
};

/// The report.
pub(crate) fn rollback(view: &RollbackReport, style: &Style) -> String {
    let mut text = head(view, style);
    let mut lines = vec![state(view)];
    lines.extend(again(view));
    lines.push(emitted_before(view));
    lines.push(withdrawn(view));
    lines.extend(handled_by_others(view));
    lines.push(held(view));
    lines.push(unsent(view));
    lines.push(view.deliverable_us.filter(|_| view.applied).map(|us| {
        (Tone::Plain, format!("{} could be given its first event after {}", clean(&view.to.version), micros(us)))
    }));
    if view.from.version != view.to.version {
        let words = if view.applied { "is not" } else { "would not be" };
        lines.push(Some((Tone::Faint, format!("{} {words} picked again unless forced", clean(&view.from.version)))));
    }
    lines.extend(view.warnings.iter().map(|warning| Some((Tone::Careful, clean(warning).into_owned()))));
    if let Some(job) = &view.unfinished {
        lines.push(Some((Tone::Careful, format!("still active: {}", working(job)))));
    }
    if !view.host_running {
        lines.push(Some((Tone::Careful, "the host is stopped: it starts with this version".to_owned())));
    }
    for (tone, words) in lines.into_iter().flatten() {
        text.push_str(&format!("  {}\n", style.paint(tone, &words)));
    }
    text
}

/// The current step of a rollback job.
pub(super) fn working(view: &RollbackJobView) -> String {
    let so_far = |number, one, many| format!("{} so far", count(number, one, many));
    match view.step {
        RollbackStep::Restore => {
            format!("restores state after a rollback ({})", so_far(view.keys_restored, "record", "records"))
        }
        RollbackStep::Withdraw => "withdraws emitted events after a rollback".to_owned(),
        RollbackStep::Replay => {
            format!("queues events again after a rollback ({})", so_far(view.events_replayed, "event", "events"))
        }
        RollbackStep::Retry => {
            format!("retries events after a rollback ({})", so_far(view.retries_made_due, "event", "events"))
        }
        RollbackStep::Hold => {
            format!("holds requests after a rollback ({})", so_far(view.requests_held, "request", "requests"))
        }
        RollbackStep::Redrive => {
            let done = so_far(view.dead_letters_redriven, "dead letter", "dead letters");
            format!("queues dead letters again after a rollback ({done})")
        }
        RollbackStep::Done => "the rollback is complete".to_owned(),
    }
}

type Line = Option<(Tone, String)>;

fn head(view: &RollbackReport, style: &Style) -> String {
    let (verb, end) = if view.applied {
        (style.paint(Tone::Good, "rolled back"), format!(", in {}", micros(view.took_us)))
    } else {
        (style.paint(Tone::Careful, "would roll back"), String::new())
    };
    format!(
        "{verb} {}: {} → {} (generation {} with the content of {}){end}\n",
        style.paint(Tone::Strong, view.name.as_str()),
        clean(&view.from.version),
        style.paint(Tone::Strong, &clean(&view.to.version)),
        view.new_generation,
        view.to.generation,
    )
}

fn state(view: &RollbackReport) -> Line {
    let state = &view.state;
    let keys = count(view.keys_restored, "record", "records");
    let timers = match view.timers_restored {
        0 => String::new(),
        number => format!(" and {}", count(number, "reminder", "reminders")),
    };
    match state.does {
        KeepOrRestore::Restore => {
            let verb = if view.applied { "put back" } else { "would be put back" };
            Some((Tone::Plain, format!("{keys}{timers} {verb} to what they were")))
        }
        KeepOrRestore::Keep if state.schema != state.schema_known => {
            let (has, knows) = (state.schema, state.schema_known);
            Some((Tone::Careful, format!("its records stay in schema {has}, though this version knows schema {knows}")))
        }
        KeepOrRestore::Keep => None,
    }
}

fn again(view: &RollbackReport) -> [Line; 4] {
    let verb = |number| match (view.applied, number) {
        (true, 1) => "is delivered",
        (true, _) => "are delivered",
        (false, _) => "would be delivered",
    };
    let line = |shown: bool, number, one, many, end: &str| {
        shown.then(|| (Tone::Plain, format!("{} {} again{end}", count(number, one, many), verb(number))))
    };
    let (flying, replayed) = (view.events_redelivered, view.events_replayed);
    let letters = view.dead_letters_redriven;
    let one_of_it = format!("event that {} handled", clean(&view.from.version));
    let many_of_it = format!("events that {} handled", clean(&view.from.version));
    let forgotten = (view.events_forgotten > 0).then(|| {
        let events = count(view.events_forgotten, "event is", "events are");
        (Tone::Careful, format!("{events} not in the log any more and cannot be delivered again"))
    });
    [
        line(flying > 0, flying, "event in flight", "events in flight", ""),
        line(replayed > 0, replayed, &one_of_it, &many_of_it, ""),
        forgotten,
        line(letters > 0, letters, "dead letter", "dead letters", " too"),
    ]
}

/// Repeated deliveries emit events again, but other installations already have the events of the rolled-back version.
fn emitted_before(view: &RollbackReport) -> Line {
    let emitted =
        format!("events that {} emitted stay as they are and are not emitted again", clean(&view.from.version));
    let look = if view.applied {
        format!(": handoff show {} counts those that {} makes otherwise", view.name, clean(&view.to.version))
    } else {
        String::new()
    };
    (view.events_replayed > 0).then(|| (Tone::Careful, format!("{emitted}{look}")))
}

/// Emitted events that nobody had handled.
fn withdrawn(view: &RollbackReport) -> Line {
    let events = count(view.events_withdrawn, "emitted event", "emitted events");
    let rest = if view.events_replayed > 0 {
        String::new()
    } else {
        ": they are dead letters of their recipients, handoff dead-letters --code withdrawn".to_owned()
    };
    (view.events_withdrawn > 0)
        .then(|| (Tone::Careful, format!("{events} withdrawn before anybody handled them{rest}")))
}

/// What others did with emitted events.
fn handled_by_others(view: &RollbackReport) -> Vec<Line> {
    let line = |one: &EmittedHandled| {
        let did = [
            (one.emitted, "event emitted", "events emitted"),
            (one.requests, "request", "requests"),
            (one.state_keys, "state key written", "state keys written"),
        ];
        let did: Vec<String> = did
            .iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| count(*number, one, many))
            .collect();
        let did = if did.is_empty() { "no effects".to_owned() } else { did.join(", ") };
        let what = type_in_words(&one.type_name);
        Some((Tone::Careful, format!("{what} #{} was handled by {}: {did}", one.position, one.installation)))
    };
    view.emitted_handled.iter().map(line).collect()
}

fn held(view: &RollbackReport) -> Line {
    if view.requests_held == 0 {
        return None;
    }
    let requests = count(view.requests_held, "request", "requests");
    if !view.applied {
        return Some((Tone::Careful, format!("{requests} would be held back")));
    }
    let look = format!("handoff outbox --installation {} --state held", view.name);
    Some((Tone::Careful, format!("{requests} held back: {look}")))
}

fn unsent(view: &RollbackReport) -> Line {
    let CannotBeUnsent { requests_answered, requests_may_have_been_sent, events_emitted, at_least } = view.unsent;
    let mut parts = Vec::new();
    if requests_answered > 0 {
        parts.push(count(requests_answered, "answered request", "answered requests"));
    }
    if requests_may_have_been_sent > 0 {
        let (one, many) = ("request that may have been sent", "requests that may have been sent");
        parts.push(count(requests_may_have_been_sent, one, many));
    }
    if events_emitted > 0 {
        parts.push(count(events_emitted, "event given to others", "events given to others"));
    }
    let bound = if at_least { "at least " } else { "" };
    (!parts.is_empty()).then(|| (Tone::Careful, format!("cannot be undone: {bound}{}", parts.join(", "))))
}

fn micros(us: u64) -> String {
    duration(std::time::Duration::from_micros(us).as_secs_f64() * 1000.0)
}
