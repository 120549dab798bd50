//! The installations, and one of them: its state, versions, permissions, settings and last deliveries; pause and resume.

use askama::Template;
use axum::extract::{Path, State as From};

use super::components::{Empty, Hidden, Icon, Input, Notice, Stat, State, Tone, When};
use super::events::{EventRow, newest};
use super::frame::{Ask, Frame, Ground, Section, scope_title};
use super::guard::see_other;
use super::request::{Fields, Posted};
use super::session::Signed;
use super::words::{count, number, prose};
use super::{Answer, Shared, ok};
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::ChangeRequest;
use handoff_control::events::EventSummary;
use handoff_control::incidents::ProbationState;
use handoff_control::installations::{GenerationKind, GenerationView, InstallationSummary, InstallationView};
use handoff_model::names::{InstallationName, NameError};

mod permissions;
mod settings;

use permissions::{Permission, permissions};
use settings::settings;

/// Deliveries of one installation's page.
const EVENTS: usize = 10;

/// A row of the table of installations.
pub(super) struct InstallationRow {
    pub(super) name: String,
    pub(super) package: String,
    pub(super) scope: String,
    pub(super) version: String,
    pub(super) state: State,
    pub(super) waiting: String,
    pub(super) pending: String,
    pub(super) held: String,
    pub(super) dead: String,
    pub(super) has_dead: bool,
}

impl InstallationRow {
    /// What stands in the place of an empty table.
    pub(super) fn none() -> Empty {
        Empty {
            icon: Icon::Installations,
            title: "No connector is installed here".to_owned(),
            text: "Search a registry for one, then install it with its settings for this rooftop.".to_owned(),
            command: Some("handoff install NAME PACKAGE --settings FILE"),
        }
    }
}

pub(super) fn row(shard: &Shard, one: &InstallationSummary) -> InstallationRow {
    InstallationRow {
        name: one.name.to_string(),
        package: one.package.clone(),
        scope: scope_title(shard, &one.scope),
        version: one.version.clone(),
        state: state(one),
        waiting: number(one.counts.waiting),
        pending: number(one.counts.outbox_pending),
        held: number(one.counts.outbox_held),
        dead: number(one.counts.dead_letters),
        has_dead: one.counts.dead_letters > 0,
    }
}

/// The state of an installation in a word.
fn state(one: &InstallationSummary) -> State {
    if one.paused.is_some() {
        let tone = if one.incidents.is_empty() { Tone::Wait } else { Tone::Bad };
        return State::new(tone, "Paused");
    }
    if !one.incidents.is_empty() {
        return State::new(Tone::Bad, "Needs a person");
    }
    if one.rollback_job.is_some() {
        return State::new(Tone::Wait, "Rolling back");
    }
    if !one.warnings.is_empty() {
        return State::new(Tone::Wait, "Active, with a warning");
    }
    State::new(Tone::Good, "Active")
}

#[derive(Template)]
#[template(path = "installations.html")]
struct ListPage {
    frame: Frame,
    installations: Vec<InstallationRow>,
}

/// `GET /installations`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let ask = Ask { signed, scope: fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")? };
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        Ok(ListPage {
            installations: ground.list.installations.iter().map(|one| row(shard, one)).collect(),
            frame: Frame::new(shard, &ask, &ground, Section::Installations, "Installations").live(),
        })
    });
    ok(&page.await?)
}

/// A version that was active, or is.
struct Version {
    version: String,
    number: String,
    state: Option<State>,
    what: &'static str,
    why: Option<String>,
    by: String,
    at: When,
    /// Where to forecast a rollback to it.
    back: Option<String>,
}

#[derive(Template)]
#[template(path = "installation.html")]
struct InstallationPage {
    frame: Frame,
    name: String,
    package: String,
    state: State,
    notices: Vec<Notice>,
    stats: Vec<Stat>,
    versions: Vec<Version>,
    older_versions: Vec<Version>,
    probation: Option<String>,
    permissions: Vec<Permission>,
    settings: Vec<(String, String)>,
    facts: Vec<(&'static str, String)>,
    metrics: Vec<(String, String)>,
    events: Vec<EventRow>,
    no_events: Empty,
    is_paused: bool,
    waits: u64,
    form: Hidden,
    reason: Input,
}

/// Generations that are shown without unfolding.
const VERSIONS: usize = 6;

/// `GET /installations/{name}`
pub(super) async fn show(From(console): Shared, signed: Signed, Path(name): Path<String>) -> Answer {
    let name = parse(&name)?;
    let page = console.read(move |shard| page(shard, signed, &name)).await?;
    ok(&page)
}

pub(super) fn parse(name: &str) -> Result<InstallationName, AppError> {
    name.parse().map_err(|error: NameError| AppError::invalid("name", error.to_string()))
}

fn page(shard: &Shard, signed: Signed, name: &InstallationName) -> Result<InstallationPage, AppError> {
    let view = shard.show_installation(name)?;
    let one = &view.summary;
    let all = Ground::of(shard, None)?;
    let ground = Ground { wall: super::frame::wall(shard, Some(&one.scope)), ..all };
    let ask = Ask { signed, scope: None };
    let is_own = |event: &EventSummary| event.routes.iter().any(|route| route.installation == *name);
    let (events, no_events) = newest(shard, &ground.wall, EVENTS, Some(&is_own))?;
    let mut versions: Vec<Version> = view.generations.iter().map(|one| version(&ground, name, one)).collect();
    let older_versions = versions.split_off(versions.len().min(VERSIONS));
    let mut notices: Vec<Notice> = one.incidents.iter().map(|one| super::overview::of_incident(&ground, one)).collect();
    notices.iter_mut().for_each(|notice| notice.action = None);
    if let Some(pause) = one.paused.as_ref().filter(|_| one.incidents.is_empty()) {
        let text = format!("{} Its events wait in their order; none is lost.", prose(&pause.message));
        let since = Some(ground.wall.when(pause.at.0));
        notices.push(Notice { since, ..Notice::new(Tone::Wait, "Paused", text) });
    }
    notices.extend(one.warnings.iter().map(|warning| Notice {
        command: warning.command.clone(),
        ..Notice::new(Tone::Wait, "Warning", prose(&warning.message))
    }));
    Ok(InstallationPage {
        name: name.to_string(),
        package: one.package.clone(),
        state: state(one),
        notices,
        stats: stats(&view),
        versions,
        older_versions,
        probation: probation(&ground, &view),
        permissions: permissions(&view),
        settings: shard.installation_settings(name).map(|view| settings(&view.settings)).unwrap_or_default(),
        facts: facts(shard, &view),
        metrics: metrics(&view),
        events,
        no_events,
        is_paused: one.paused.is_some(),
        waits: one.counts.waiting,
        form: ask.hidden(&[]),
        reason: Input::reason(false),
        frame: Frame::new(shard, &ask, &ground, Section::Installations, name.to_string())
            .below("/installations", "Installations"),
    })
}

fn version(ground: &Ground, name: &InstallationName, one: &GenerationView) -> Version {
    let state = match (one.active, one.quarantined) {
        (true, _) => Some(State::new(Tone::Good, "Active")),
        (false, true) => Some(State::new(Tone::Wait, "Rolled back")),
        _ => None,
    };
    let what = match one.kind {
        GenerationKind::Install => "Installed",
        GenerationKind::Upgrade => "Upgraded",
        GenerationKind::Reconfigure => "Reconfigured",
        GenerationKind::Rollback => "Rolled back to",
    };
    Version {
        version: one.version.clone(),
        number: one.generation.to_string(),
        state,
        what,
        why: one.reason.clone(),
        by: one.by.clone(),
        at: ground.wall.when(one.at.0),
        back: (!one.active).then(|| format!("/installations/{name}/rollback?to={}", one.generation)),
    }
}

fn stats(view: &InstallationView) -> Vec<Stat> {
    let (counts, totals) = (&view.summary.counts, &view.deliveries);
    let name = &view.summary.name;
    let handled = totals.committed.saturating_add(totals.dead_lettered);
    let share = match handled {
        0 => "none yet".to_owned(),
        _ => format!("{:.1} % of {}", 100.0 * totals.committed as f64 / handled as f64, number(handled)),
    };
    let dead = Stat::new("Dead letters", number(counts.dead_letters), format!("{} ever", number(totals.dead_lettered)));
    let dead = dead.toned(if counts.dead_letters > 0 { Tone::Bad } else { Tone::Plain });
    vec![
        Stat::new("Events handled", number(totals.committed), share).of_parts(&[
            (Tone::Good, "handled", totals.committed),
            (Tone::Bad, "failed for good", totals.dead_lettered),
        ]),
        Stat::new("Events waiting", number(counts.waiting), format!("{} running now", number(counts.in_flight))),
        Stat::new(
            "Requests to send",
            number(counts.outbox_pending),
            format!("{} held back", number(counts.outbox_held)),
        )
        .of_parts(&[(Tone::Plain, "waiting", counts.outbox_pending), (Tone::Wait, "held", counts.outbox_held)]),
        dead.leading_to(format!("/dead-letters?installation={name}")),
        Stat::new("Attempts that failed", number(totals.failed_attempts), "retried ones included"),
    ]
}

fn probation(ground: &Ground, view: &InstallationView) -> Option<String> {
    let one = view.probation.as_ref()?;
    let judged = format!(
        "{} so far, compared with {} of the previous version",
        count(one.deliveries, "delivery", "deliveries"),
        number(one.baseline_deliveries),
    );
    Some(match one.state {
        ProbationState::Watching => {
            let until = ground.wall.when(one.until.0);
            format!("On probation until {}: {judged}. Past a bound, Handoff rolls back by itself.", until.exact)
        }
        ProbationState::Passed => format!("Passed its probation: {judged}."),
        ProbationState::Failed => format!("Failed its probation: {judged}."),
        ProbationState::NotJudged => {
            let why = one.reason.clone().unwrap_or_else(|| "there was too little to compare".to_owned());
            format!("Its probation ended without a judgement: {why}.")
        }
    })
}

fn facts(shard: &Shard, view: &InstallationView) -> Vec<(&'static str, String)> {
    let one = &view.summary;
    let mut facts = vec![
        ("Package", one.package.clone()),
        ("For", scope_title(shard, &one.scope)),
        ("Time zone", view.time_zone.clone().unwrap_or_else(|| "no longer configured".to_owned())),
        ("Generation", one.generation.to_string()),
        ("Timers set", number(one.counts.timers)),
    ];
    if let Some(path) = &view.hook_path {
        let config = &shard.process().config().ingress;
        facts.push(("Webhooks arrive at", format!("{}{path}", config.front.url(config.listen))));
    }
    for share in &view.shares {
        let with = share.installations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let with = if with.is_empty() { "nobody there names it, so none crosses".to_owned() } else { with };
        let direction = match share.direction {
            handoff_control::installations::ShareDirection::With => "with",
            handoff_control::installations::ShareDirection::From => "from",
        };
        facts.push(("Shares", format!("{} {direction} {}: {with}", share.type_name, share.scope)));
    }
    facts
}

fn metrics(view: &InstallationView) -> Vec<(String, String)> {
    let one = |metric: &handoff_control::installations::MetricView| {
        let labels: Vec<String> = metric.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
        let value = match metric.count {
            Some(values) => format!("{:.1} on average of {}", metric.value, number(values)),
            None => format!("{}", metric.value),
        };
        (format!("{}{labels}", super::words::sentence(&metric.name)), value)
    };
    view.metrics.iter().take(100).map(one).collect()
}

/// `POST /installations/{name}/pause`
pub(super) async fn pause(From(console): Shared, Path(name): Path<String>, posted: Posted) -> Answer {
    let name = parse(&name)?;
    let change = change(&posted);
    console.shard.pause(&posted.signed.caller.0, &name, change).await?;
    Ok(see_other(&format!("/installations/{name}")))
}

/// `POST /installations/{name}/resume`
pub(super) async fn resume(From(console): Shared, Path(name): Path<String>, posted: Posted) -> Answer {
    let name = parse(&name)?;
    let change = change(&posted);
    console.shard.resume(&posted.signed.caller.0, &name, change).await?;
    Ok(see_other(&format!("/installations/{name}")))
}

/// `POST /installations/{name}/retry-now`
pub(super) async fn retry_now(From(console): Shared, Path(name): Path<String>, posted: Posted) -> Answer {
    let name = parse(&name)?;
    let change = change(&posted);
    console.shard.retry_now(&posted.signed.caller.0, &name, change).await?;
    Ok(see_other(&format!("/installations/{name}")))
}

fn change(posted: &Posted) -> ChangeRequest {
    ChangeRequest { by: None, reason: posted.fields.get("reason").map(str::to_owned) }
}
