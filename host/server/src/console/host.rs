//! The host as a whole: whether it accepts work, its disk, its pending work, and what its configuration defines.

use askama::Template;
use axum::extract::State as From;

use super::components::{Icon, Notice, Stat, State, Tone};
use super::frame::{Ask, Frame, Ground, Section};
use super::session::Signed;
use super::words::{number, size, span};
use super::{Answer, Shared, ok};
use handoff_app::shard::Shard;
use handoff_control::host::status::{HostState, StatusView};

#[derive(Template)]
#[template(path = "host.html")]
struct HostPage {
    frame: Frame,
    state: State,
    notices: Vec<Notice>,
    stats: Vec<Stat>,
    facts: Vec<(&'static str, String)>,
    scopes: Vec<ScopeRow>,
}

struct ScopeRow {
    name: String,
    title: String,
    zone: String,
    members: String,
}

/// `GET /host`
pub(super) async fn show(From(console): Shared, signed: Signed) -> Answer {
    let page = console.read(move |shard| {
        let ask = Ask { signed, scope: None };
        let ground = Ground::of(shard, None)?;
        let view = shard.status();
        let problem = view
            .problem
            .as_ref()
            .map(|problem| Notice::new(Tone::Bad, "The host cannot work", super::words::prose(problem)));
        Ok(HostPage {
            state: state(view.state),
            notices: problem.into_iter().collect(),
            stats: stats(&view),
            facts: facts(shard, &view, &ground),
            scopes: scopes(shard),
            frame: Frame::new(shard, &ask, &ground, Section::Host, "Host").live(),
        })
    });
    ok(&page.await?)
}

fn state(state: HostState) -> State {
    match state {
        HostState::Ready => State::new(Tone::Good, "Ready"),
        HostState::Recovering => State::new(Tone::Wait, "Recovering"),
        HostState::Blocked => State::new(Tone::Bad, "Blocked"),
        HostState::Failed => State::new(Tone::Bad, "Failed"),
        HostState::Stopping => State::new(Tone::Wait, "Stopping"),
        HostState::Stopped => State::new(Tone::Wait, "Stopped"),
    }
}

fn stats(view: &StatusView) -> Vec<Stat> {
    let counts = &view.counts;
    let up = view.started_at.map_or_else(|| "stopped".to_owned(), |at| span(view.now.0.since_ms(at.0)));
    vec![
        Stat::new("Running for", up, format!("version {}", view.version)),
        Stat::new("Store", size(view.store_bytes), format!("{} free", size(view.disk_free_bytes))).of_parts(&[
            (Tone::Plain, "store, bytes", view.store_bytes),
            (Tone::Good, "free, bytes", view.disk_free_bytes),
        ]),
        Stat::new("Newest position", number(view.last_position.0), "in the log"),
        Stat::new("Events waiting", number(counts.waiting), format!("{} running now", number(counts.in_flight))),
        Stat::new("Timers set", number(counts.timers), "over all installations"),
    ]
}

fn facts(shard: &Shard, view: &StatusView, ground: &Ground) -> Vec<(&'static str, String)> {
    let config = shard.process().config();
    let mut facts = vec![
        ("Version", view.version.clone()),
        ("Data folder", view.data_folder.clone()),
        ("Events arrive at", config.ingress.front.url(config.ingress.listen)),
        ("Installations", format!("{} active, {} paused", view.active_installations, view.paused_installations)),
        ("Kept for", format!("{} days, at most {}", config.retention.days, size(config.retention.bytes))),
    ];
    facts.extend(view.started_at.map(|at| ("Started", ground.wall.when(at.0).exact)));
    facts
}

fn scopes(shard: &Shard) -> Vec<ScopeRow> {
    let config = shard.process().config();
    let rooftops = config.rooftops.iter().map(|(name, rooftop)| ScopeRow {
        name: name.to_string(),
        title: rooftop.title.clone().unwrap_or_default(),
        zone: rooftop.time_zone.into(),
        members: String::new(),
    });
    let groups = config.groups.iter().map(|(name, group)| ScopeRow {
        name: format!("group:{name}"),
        title: group.title.clone().unwrap_or_default(),
        zone: group.time_zone.into(),
        members: group.rooftops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    });
    rooftops.chain(groups).collect()
}
