//! Rolling back: the forecast first, then the result. The forecast is the use case's own dry run.

use askama::Template;
use axum::extract::{Path, State as From};

use super::components::{Hidden, Icon, Input, Notice, Tone};
use super::frame::{Ask, Frame, Ground, Section};
use super::request::{Fields, Posted};
use super::session::Signed;
use super::words::{count, milliseconds, type_words};
use super::{Answer, Console, Shared, ok};
use handoff_control::installations::rollback::{KeepOrRestore, RollbackReport, RollbackRequest};
use handoff_model::names::{Generation, InstallationName};

#[derive(Template)]
#[template(path = "rollback.html")]
struct RollbackPage {
    frame: Frame,
    name: String,
    from: String,
    to: String,
    is_done: bool,
    notices: Vec<Notice>,
    /// What is put back, and delivered again.
    back: Vec<String>,
    /// What waits for a decision.
    held: Vec<String>,
    /// What cannot be undone.
    stays: Vec<String>,
    target: String,
    state: &'static str,
    replays: bool,
    form: Hidden,
    reason: Input,
}

/// What a person chose: of the query for a forecast, of the form for the change.
fn request(fields: &Fields) -> Result<RollbackRequest, super::refusal::PageRefusal> {
    let to: Option<u64> = fields.parse_as("to", "the number of a generation")?;
    let state = fields.get("state").unwrap_or("auto");
    Ok(RollbackRequest {
        to_generation: to.map(Generation),
        restore_state: state == "restore",
        keep_state: state == "keep",
        replay: fields.is_on("replay"),
        reason: fields.get("reason").map(str::to_owned),
        ..RollbackRequest::default()
    })
}

/// `GET /installations/{name}/rollback`
pub(super) async fn forecast(
    From(console): Shared,
    signed: Signed,
    Path(name): Path<String>,
    fields: Fields,
) -> Answer {
    let name = super::installations::parse(&name)?;
    let request = RollbackRequest { dry_run: true, ..request(&fields)? };
    let report = console.shard.rollback(&signed.caller.0, &name, request.clone()).await?;
    let page = page(&console, signed, name, request, report, Vec::new()).await?;
    ok(&page)
}

/// `POST /installations/{name}/rollback`: only what the forecast said. If another change came meanwhile, the forecast is
/// shown again.
pub(super) async fn roll_back(From(console): Shared, Path(name): Path<String>, posted: Posted) -> Answer {
    let name = super::installations::parse(&name)?;
    let request = request(&posted.fields)?;
    let seen: Option<u64> = posted.fields.parse_as("from", "the number of a generation")?;
    let caller = posted.signed.caller.0.clone();
    let dry = RollbackRequest { dry_run: true, ..request.clone() };
    let forecast = console.shard.rollback(&caller, &name, dry.clone()).await?;
    if seen != Some(forecast.from.generation.0) {
        let text =
            "Somebody changed this installation since the forecast, so nothing was done. This is the new forecast.";
        let notice = Notice::new(Tone::Wait, "Look again", text);
        let page = page(&console, posted.signed, name, dry, forecast, vec![notice]).await?;
        return ok(&page);
    }
    let report = console.shard.rollback(&caller, &name, request.clone()).await?;
    let page = page(&console, posted.signed, name, request, report, Vec::new()).await?;
    ok(&page)
}

async fn page(
    console: &Console,
    signed: Signed,
    name: InstallationName,
    request: RollbackRequest,
    report: RollbackReport,
    mut notices: Vec<Notice>,
) -> Result<RollbackPage, super::refusal::PageRefusal> {
    let is_done = report.applied;
    let read = console.read(move |shard| {
        let all = Ground::of(shard, None)?;
        let scope = all.list.installations.iter().find(|one| one.name == name).map(|one| one.scope.clone());
        let ground = Ground { wall: super::frame::wall(shard, scope.as_ref()), ..all };
        let ask = Ask { signed, scope: None };
        let warning = |text: &String| Notice::new(Tone::Wait, "Mind this", super::words::prose(text));
        notices.extend(report.warnings.iter().map(warning));
        if is_done {
            let text = format!(
                "Version {} has taken over from {} as generation {}, {} after the click.",
                report.to.version,
                report.from.version,
                report.new_generation,
                milliseconds(report.took_us as f64 / 1_000.0),
            );
            let done = Notice::new(Tone::Good, "Rolled back", text);
            notices.insert(0, done.leading_to(format!("/installations/{name}"), "See the installation"));
        }
        let target = report.to.generation.to_string();
        let state = match (request.restore_state, request.keep_state) {
            (true, _) => "restore",
            (_, true) => "keep",
            _ => "auto",
        };
        let mut fields = vec![("to", target.clone()), ("from", report.from.generation.to_string())];
        fields.push(("state", state.to_owned()));
        if request.replay {
            fields.push(("replay", "1".to_owned()));
        }
        let fields: Vec<(&'static str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let title = if is_done { format!("{name} is rolled back") } else { format!("Roll back {name}") };
        Ok(RollbackPage {
            from: report.from.version.clone(),
            to: report.to.version.clone(),
            is_done,
            back: back(&report, request.replay),
            held: held(&report),
            stays: stays(&report),
            target,
            state,
            replays: request.replay,
            form: ask.hidden(&fields),
            reason: Input::reason(true),
            notices,
            frame: Frame::new(shard, &ask, &ground, Section::Installations, title)
                .below(format!("/installations/{name}"), name.to_string()),
            name: name.to_string(),
        })
    });
    read.await
}

/// A sentence about a number of things, unless there are none.
fn some(number: u64, one: &str, many: &str, rest: &str) -> Option<String> {
    (number > 0).then(|| format!("{} {rest}", count(number, one, many)))
}

fn back(report: &RollbackReport, replays: bool) -> Vec<String> {
    let state = &report.state;
    let first = match state.does {
        KeepOrRestore::Restore => {
            let keys = count(report.keys_restored, "state key", "state keys");
            let timers = count(report.timers_restored, "timer", "timers");
            let most = if report.applied { "" } else { "at most " };
            format!("State: {most}{keys} and {timers} get the values that version {} left.", report.to.version)
        }
        KeepOrRestore::Keep if state.schema != state.schema_known => format!(
            "State stays as it is, in schema {}, which version {} was not made for (it knows schema {}).",
            state.schema, report.to.version, state.schema_known,
        ),
        KeepOrRestore::Keep => "State and timers stay as they are: both versions understand them.".to_owned(),
    };
    let handled = if replays { "are delivered again" } else { "stay handled and are not delivered again" };
    let more = [
        some(report.events_redelivered, "event in flight", "events in flight", "come to the restored version."),
        some(
            report.dead_letters_redriven,
            "dead letter of the version",
            "dead letters of the version",
            "are delivered again, in order.",
        ),
        some(
            report.retries_made_due,
            "event that waits for a retry",
            "events that wait for a retry",
            "are tried at once.",
        ),
        some(
            report.events_replayed,
            "event that the version handled",
            "events that the version handled",
            &format!("{handled}."),
        ),
        some(report.events_forgotten, "event", "events", "are no longer in the log and cannot be delivered again."),
    ];
    let mut lines = vec![first];
    lines.extend(more.into_iter().flatten());
    if report.from.version != report.to.version {
        lines.push(format!("Version {} is not chosen again unless somebody forces it by name.", report.from.version));
    }
    lines
}

fn held(report: &RollbackReport) -> Vec<String> {
    let lines = [
        some(
            report.requests_held,
            "request that was not sent yet",
            "requests that were not sent yet",
            "are held: you release or discard them.",
        ),
        some(
            report.events_withdrawn,
            "event that it emitted and nobody handled",
            "events that it emitted and nobody handled",
            "are withdrawn.",
        ),
    ];
    lines.into_iter().flatten().collect()
}

fn stays(report: &RollbackReport) -> Vec<String> {
    let unsent = &report.unsent;
    let least = if unsent.at_least { "at least " } else { "" };
    let mut lines: Vec<String> = [
        some(unsent.requests_answered, "request", "requests", "were sent and answered."),
        some(
            unsent.requests_may_have_been_sent,
            "request",
            "requests",
            "may have reached their target without an answer.",
        ),
        some(unsent.events_emitted, "event", "events", "went to other installations or into the log."),
    ]
    .into_iter()
    .flatten()
    .map(|line| format!("{least}{line}"))
    .collect();
    lines.extend(
        report
            .emitted_handled
            .iter()
            .map(|one| format!("{} {} was handled by {}.", type_words(&one.type_name), one.position, one.installation)),
    );
    lines
}
