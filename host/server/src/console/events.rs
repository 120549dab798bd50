//! The log of events, and one event: its way through the installations, and, for those who ask, its data.

use askama::Template;
use axum::extract::{Path, State as From};

use super::components::{Code, Empty, Icon, Pager, State, Tone, When};
use super::frame::{Ask, Frame, Ground, Section, scope_title, wall};
use super::request::Fields;
use super::session::Signed;
use super::trace::{Step, Stop, steps, stops};
use super::words::{Wall, in_query, short_id, size, type_words};
use super::{Answer, Shared, ok};
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::events::{DeliveryState, EventQuery, EventSummary, EventView};
use handoff_model::names::Position;

/// Most characters of an event's data on a page.
const DATA_CHARS_MAX: usize = 100_000;

/// Newest events that are looked at for those of one rooftop or installation.
const LOOKED_AT: u32 = 500;

/// A row of a table of events.
pub(super) struct EventRow {
    pub(super) position: String,
    pub(super) what: String,
    pub(super) about: String,
    pub(super) source: String,
    pub(super) at: When,
    pub(super) size: String,
    pub(super) routes: Vec<Route>,
}

/// A delivery in a row.
pub(super) struct Route {
    pub(super) name: String,
    pub(super) state: State,
}

/// What stands in the place of an empty table.
fn none(text: String) -> Empty {
    Empty { icon: Icon::Events, title: "No events".to_owned(), text, command: None }
}

/// The newest events that are wanted, and what to say if there are none. Looks at a bounded number of events, so that a
/// page about a quiet rooftop does not read the whole log.
pub(super) fn newest(
    shard: &Shard,
    wall: &Wall,
    most: usize,
    is_wanted: Option<&dyn Fn(&EventSummary) -> bool>,
) -> Result<(Vec<EventRow>, Empty), AppError> {
    let limit = is_wanted.map_or(u32::try_from(most).unwrap_or(u32::MAX), |_| LOOKED_AT);
    let found = shard.list_events(&EventQuery { limit: Some(limit), ..EventQuery::default() })?;
    let mut events = found.events;
    events.retain(|event| is_wanted.is_none_or(|is_wanted| is_wanted(event)));
    events.truncate(most);
    let text = match (is_wanted, found.next) {
        (Some(_), Some(_)) => {
            format!("None of the host’s newest {LOOKED_AT} events. Older ones are in the list of all events.")
        }
        _ => "An event appears here as soon as a webhook, a file, a schedule or a connector brings one.".to_owned(),
    };
    Ok((rows(&events, wall), none(text)))
}

pub(super) fn rows(events: &[EventSummary], wall: &Wall) -> Vec<EventRow> {
    let row = |one: &EventSummary| EventRow {
        position: one.position.to_string(),
        what: type_words(&one.type_name),
        about: one.subject.clone().unwrap_or_else(|| short_id(&one.id)),
        source: one.source.clone(),
        at: wall.when(one.at.0),
        size: size(one.data_bytes),
        routes: one
            .routes
            .iter()
            .map(|route| Route { name: route.installation.to_string(), state: state(route.state) })
            .collect(),
    };
    events.iter().map(row).collect()
}

/// The state of a delivery in a word.
pub(super) fn state(state: DeliveryState) -> State {
    match state {
        DeliveryState::Waiting => State::new(Tone::Wait, "Waiting"),
        DeliveryState::Retrying => State::new(Tone::Wait, "Retrying"),
        DeliveryState::Committed => State::new(Tone::Good, "Handled"),
        DeliveryState::DeadLetter => State::new(Tone::Bad, "Dead letter"),
        DeliveryState::Redriven => State::new(Tone::Plain, "Redriven"),
        DeliveryState::Discarded => State::new(Tone::Plain, "Discarded"),
        DeliveryState::Uninstalled => State::new(Tone::Plain, "Uninstalled"),
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct ListPage {
    frame: Frame,
    events: Vec<EventRow>,
    type_name: String,
    source: String,
    installation: String,
    rooftop: String,
    is_filtered: bool,
    no_events: Empty,
    pager: Pager,
}

/// `GET /events`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let scope = fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")?;
    let query = EventQuery {
        limit: None,
        before: fields.parse_as("before", "the position of an event")?.map(Position),
        type_name: fields.get("type").map(str::to_owned),
        source: fields.get("source").map(str::to_owned),
        rooftop: scope.clone(),
        installation: fields.parse_as("installation", "the name of an installation")?,
    };
    let ask = Ask { signed, scope };
    let filters: Vec<String> = ["rooftop", "type", "source", "installation"]
        .iter()
        .filter_map(|name| fields.get(name).map(|value| format!("{name}={}", in_query(value))))
        .collect();
    let is_filtered = !filters.is_empty();
    let path = move |more: Option<String>| {
        let all: Vec<String> = filters.iter().cloned().chain(more).collect();
        if all.is_empty() { "/events".to_owned() } else { format!("/events?{}", all.join("&")) }
    };
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        let found = shard.list_events(&query)?;
        let next = found.next.map(|next| (path(Some(format!("before={next}"))), "Older"));
        let text = if found.events.is_empty() { "Nothing older." } else { "Newest first." };
        Ok(ListPage {
            events: rows(&found.events, &ground.wall),
            pager: Pager { text: text.to_owned(), first: query.before.map(|_| path(None)), next },
            type_name: query.type_name.unwrap_or_default(),
            source: query.source.unwrap_or_default(),
            installation: query.installation.map(|name| name.to_string()).unwrap_or_default(),
            rooftop: ask.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
            is_filtered,
            no_events: none("Nothing in the log fits. Old events are removed as `[retention]` says.".to_owned()),
            frame: Frame::new(shard, &ask, &ground, Section::Events, "Events"),
        })
    });
    ok(&page.await?)
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    position: String,
    stops: Vec<Stop>,
    steps: Vec<Step>,
    is_cut: bool,
    facts: Vec<(&'static str, String)>,
    data_size: String,
    data: Option<Code>,
    is_data_cut: bool,
    dead: Vec<String>,
}

/// `GET /events/{position}`; with `?data=1`, its data too, which is a customer's.
pub(super) async fn show(
    From(console): Shared,
    signed: Signed,
    Path(position): Path<String>,
    fields: Fields,
) -> Answer {
    let wrong = |_| AppError::NotFound { what: format!("event `{}`", crate::printable(&position)) };
    let position = Position(position.parse().map_err(wrong)?);
    let shows_data = fields.is_on("data");
    let page = console.read(move |shard| page(shard, signed, position, shows_data)).await?;
    ok(&page)
}

fn page(shard: &Shard, signed: Signed, position: Position, shows_data: bool) -> Result<EventPage, AppError> {
    let trace = shard.trace_event(position)?;
    let view = shard.show_event(position)?;
    let summary = &view.summary;
    let all = Ground::of(shard, None)?;
    let ground = Ground { wall: wall(shard, Some(&summary.scope)), ..all };
    let ask = Ask { signed, scope: None };
    let (data, is_data_cut) = if shows_data { data(&view) } else { (None, false) };
    let dead = trace.deliveries.iter().filter(|one| one.state == DeliveryState::DeadLetter);
    Ok(EventPage {
        position: position.to_string(),
        stops: stops(&trace),
        steps: steps(&trace, &ground.wall, shows_data),
        is_cut: trace.cut,
        facts: facts(shard, &view, &ground.wall),
        data_size: size(summary.data_bytes),
        data,
        is_data_cut,
        dead: dead.map(|one| format!("{}/{position}", one.installation)).collect(),
        frame: Frame::new(shard, &ask, &ground, Section::Events, type_words(&summary.type_name))
            .below("/events", "Events"),
    })
}

fn facts(shard: &Shard, view: &EventView, wall: &Wall) -> Vec<(&'static str, String)> {
    let summary = &view.summary;
    let mut facts = vec![
        ("Came", wall.when(summary.at.0).exact),
        ("For", scope_title(shard, &summary.scope)),
        ("Type", summary.type_name.clone()),
        ("From", summary.source.clone()),
        ("Id", summary.id.clone()),
    ];
    let more = [
        ("About", summary.subject.clone()),
        ("Happened", view.time.map(|time| wall.when(time.0).exact)),
        ("Content", view.data_content_type.clone()),
        ("Schema", view.data_schema.clone()),
        ("Emitted while handling", view.caused_by.map(|position| format!("event {position}"))),
        ("Redrive of", view.redrive_of.map(|position| format!("event {position}"))),
    ];
    facts.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts
}

/// JSON with indents; other text as it is.
fn data(view: &EventView) -> (Option<Code>, bool) {
    let Some(text) = &view.data else {
        let text = view.data_base64.clone().unwrap_or_else(|| "no data".to_owned());
        return cut("Data of the event, in base64", text);
    };
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    let pretty = parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    cut("Data of the event", pretty.unwrap_or_else(|| text.clone()))
}

fn cut(label: &'static str, text: String) -> (Option<Code>, bool) {
    match text.char_indices().nth(DATA_CHARS_MAX) {
        Some((end, _)) => (text.get(..end).map(|text| Code { label, text: text.to_owned() }), true),
        None => (Some(Code { label, text }), false),
    }
}
