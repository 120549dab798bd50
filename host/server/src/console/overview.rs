//! The overview of a rooftop, or of the whole host: what needs a person first, then numbers, then what is installed and
//! what happened last.

use askama::Template;
use axum::extract::State as From;

use super::components::{Empty, Icon, Notice, Stat, Tone, When};
use super::events::{EventRow, newest};
use super::frame::{Ask, Frame, Ground, Section, scope_title};
use super::installations::{InstallationRow, row};
use super::request::Fields;
use super::session::Signed;
use super::words::{count, in_query, number, size};
use super::{Answer, ok};
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::events::EventSummary;
use handoff_control::host::status::HostState;
use handoff_control::incidents::IncidentView;
use handoff_model::scope::Scope;

/// Events of the list at the end.
const EVENTS: usize = 8;
/// Notices before a link to the rest.
const NOTICES: usize = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    notices: Vec<Notice>,
    left_out: usize,
    checked: Option<Checked>,
    stats: Vec<Stat>,
    installations: Vec<InstallationRow>,
    events: Vec<EventRow>,
    no_events: Empty,
    events_path: String,
}

/// What was looked at and found good.
struct Checked {
    at: When,
    points: Vec<String>,
}

/// `GET /`
pub(super) async fn show(From(console): super::Shared, signed: Signed, fields: Fields) -> Answer {
    let ask = Ask { signed, scope: fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")? };
    let page = console.read(move |shard| page(shard, &ask)).await?;
    ok(&page)
}

fn page(shard: &Shard, ask: &Ask) -> Result<OverviewPage, AppError> {
    let ground = Ground::of(shard, ask.scope.as_ref())?;
    let mut notices = notices(&ground, shard, ask.scope.as_ref());
    let checked = notices.is_empty().then(|| checked(&ground));
    let left_out = notices.len().saturating_sub(NOTICES);
    notices.truncate(NOTICES);
    let title = ask.scope.as_ref().map_or_else(|| only_title(shard), |scope| scope_title(shard, scope));
    let of_scope = |event: &EventSummary| Some(&event.scope) == ask.scope.as_ref();
    let is_wanted: Option<&dyn Fn(&EventSummary) -> bool> = if ask.scope.is_some() { Some(&of_scope) } else { None };
    let (events, no_events) = newest(shard, &ground.wall, EVENTS, is_wanted)?;
    Ok(OverviewPage {
        notices,
        left_out,
        checked,
        stats: stats(&ground, shard),
        installations: ground.list.installations.iter().map(|one| row(shard, one)).collect(),
        events,
        no_events,
        events_path: path("/events", ask.scope.as_ref()),
        frame: Frame::new(shard, ask, &ground, Section::Overview, title).live(),
    })
}

/// A list, limited to the chosen rooftop.
fn path(list: &str, scope: Option<&Scope>) -> String {
    scope.map_or_else(|| list.to_owned(), |scope| format!("{list}?rooftop={}", in_query(&scope.to_string())))
}

/// Without a choice: the rooftop, if there is one only.
fn only_title(shard: &Shard) -> String {
    let only = shard.process().config().only_rooftop();
    only.map_or_else(|| "All rooftops".to_owned(), |name| scope_title(shard, &Scope::Rooftop(name.clone())))
}

fn notices(ground: &Ground, shard: &Shard, scope: Option<&Scope>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let others = ground.list.incidents.iter().filter(|one| !ground.incidents.iter().any(|known| known.id == one.id));
    let has_incident = !ground.incidents.is_empty();
    if !matches!(shard.state(), HostState::Ready) && !has_incident {
        let text = "Nothing is accepted or delivered until it is ready again. Events that it accepted are kept.";
        notices.push(Notice::new(Tone::Bad, "The host is not ready", text).leading_to("/host", "See the host"));
    }
    notices.extend(others.chain(&ground.incidents).map(|incident| of_incident(ground, incident)));
    let dead = ground.sum(|counts| counts.dead_letters);
    if dead > 0 {
        let title = format!("{} failed for good", count(dead, "event", "events"));
        let text = "Handoff keeps them until somebody delivers them again or discards them.";
        let notice = Notice::new(Tone::Bad, title, text);
        notices.push(notice.leading_to(path("/dead-letters", scope), "See why"));
    }
    let held = ground.sum(|counts| counts.outbox_held);
    if held > 0 {
        let title = format!("{} held back by a rollback", count(held, "request is", "requests are"));
        let text = "A version that was rolled back wrote them. They are sent only if somebody releases them.";
        notices.push(Notice::new(Tone::Wait, title, text).leading_to(path("/held", scope), "Decide"));
    }
    for one in &ground.list.installations {
        let path = format!("/installations/{}", one.name);
        // A pause by the host is an incident already.
        if let Some(pause) = one.paused.as_ref().filter(|_| one.incidents.is_empty()) {
            let waiting = count(one.counts.waiting, "event waits", "events wait");
            let notice = Notice::new(
                Tone::Wait,
                format!("{} is paused", one.name),
                format!("{} {waiting}.", super::words::prose(&pause.message)),
            );
            let since = Some(ground.wall.when(pause.at.0));
            notices.push(Notice { since, ..notice }.leading_to(path.clone(), "See it"));
        }
        for warning in &one.warnings {
            let notice =
                Notice::new(Tone::Wait, format!("A warning about {}", one.name), super::words::prose(&warning.message));
            notices.push(Notice { command: warning.command.clone(), ..notice }.leading_to(path.clone(), "See it"));
        }
    }
    notices
}

/// An incident as the first thing to read.
pub(super) fn of_incident(ground: &Ground, incident: &IncidentView) -> Notice {
    let title = super::words::sentence(&incident.kind);
    let mut text = super::words::prose(&incident.message);
    if let Some(waits) = &incident.waits {
        text.push_str(&format!(" Meanwhile: {waits}."));
    }
    let action = match &incident.installation {
        Some(name) => (format!("/installations/{name}"), format!("See {name}")),
        None => ("/incidents".to_owned(), "See incidents".to_owned()),
    };
    Notice {
        since: Some(ground.wall.when(incident.at.0)),
        command: incident.command.clone(),
        action: Some(action),
        ..Notice::new(Tone::Bad, title, text)
    }
}

fn checked(ground: &Ground) -> Checked {
    let (all, waiting) = (ground.list.installations.len(), ground.sum(|counts| counts.waiting));
    let all = u64::try_from(all).unwrap_or(u64::MAX);
    let points = vec![
        "The host accepts events, and its disk can be written.".to_owned(),
        format!("{} deliver; none is paused.", count(all, "installation", "installations")),
        "Watched folders can be read, and their files are taken.".to_owned(),
        "No target system refuses or is unreachable for long.".to_owned(),
        match waiting {
            0 => "No event waits, failed for good, or is held back.".to_owned(),
            _ => format!("{}; none failed for good.", count(waiting, "event waits its turn", "events wait their turn")),
        },
    ];
    Checked { at: ground.wall.when(ground.wall.now), points }
}

fn stats(ground: &Ground, shard: &Shard) -> Vec<Stat> {
    let all = u64::try_from(ground.list.installations.len()).unwrap_or(u64::MAX);
    let paused = ground.list.installations.iter().filter(|one| one.paused.is_some()).count();
    let paused = u64::try_from(paused).unwrap_or(u64::MAX);
    let sum = |count: fn(&handoff_control::host::status::Counts) -> u64| ground.sum(count);
    let (waiting, running) = (sum(|c| c.waiting), sum(|c| c.in_flight));
    let (pending, held) = (sum(|c| c.outbox_pending), sum(|c| c.outbox_held));
    let dead = sum(|c| c.dead_letters);
    let bad_if = |number: u64| if number > 0 { Tone::Bad } else { Tone::Plain };
    vec![
        Stat::new("Installations active", number(all - paused), format!("of {}", number(all)))
            .of_parts(&[(Tone::Good, "active", all - paused), (Tone::Wait, "paused", paused)])
            .leading_to("/installations"),
        Stat::new("Events waiting", number(waiting), format!("{} running now", number(running))),
        Stat::new("Requests to send", number(pending), format!("{} held back", number(held)))
            .of_parts(&[(Tone::Plain, "waiting", pending), (Tone::Wait, "held", held)]),
        Stat::new("Dead letters", number(dead), if dead == 0 { "none" } else { "to decide about" })
            .toned(bad_if(dead))
            .leading_to("/dead-letters"),
        Stat::new("Timers set", number(sum(|c| c.timers)), format!("store: {}", size(shard.store().disk_bytes()))),
    ]
}
