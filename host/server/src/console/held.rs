//! Requests that a rollback holds back: who wrote them, where they would go; releasing and discarding, with a preview.

use askama::Template;
use axum::extract::State as From;

use super::components::{Empty, Hidden, Icon, Input, Notice, Tone, When};
use super::frame::{Ask, Frame, Ground, Section};
use super::guard::see_other;
use super::refusal::PageRefusal;
use super::request::{Fields, Posted};
use super::session::Signed;
use super::words::{count, number};
use super::{Answer, Console, Shared, html, ok};
use handoff_app::error::AppError;
use handoff_control::outbox::{HeldPick, HeldRequest, OutboxId, OutboxQuery, OutboxState, OutboxView};
use handoff_model::names::InstallationName;
use http::StatusCode;

/// Requests of the list.
const SHOWN: u32 = 200;
/// Requests that a preview shows.
const EXAMPLES: usize = 10;

struct Group {
    installation: String,
    number: String,
    first: Option<When>,
    last: Option<When>,
}

struct HeldRow {
    id: String,
    installation: String,
    target: String,
    generation: String,
    cause: Option<String>,
    at: When,
    may_have_been_sent: bool,
}

#[derive(Template)]
#[template(path = "held.html")]
struct ListPage {
    frame: Frame,
    notices: Vec<Notice>,
    groups: Vec<Group>,
    requests: Vec<HeldRow>,
    has_more: bool,
    empty: Empty,
}

fn query(installation: Option<InstallationName>, rooftop: Option<handoff_model::scope::Scope>) -> OutboxQuery {
    OutboxQuery { installation, rooftop, state: Some(OutboxState::Held), limit: Some(SHOWN) }
}

fn rows(requests: &[OutboxView], ground: &Ground) -> Vec<HeldRow> {
    let row = |one: &OutboxView| HeldRow {
        id: one.id.to_string(),
        installation: one.installation.to_string(),
        target: format!("{} {}", one.method, one.url),
        generation: one.generation.to_string(),
        cause: one.caused_by.map(|position| position.to_string()),
        at: ground.wall.when(one.at.0),
        may_have_been_sent: one.may_have_been_sent,
    };
    requests.iter().map(row).collect()
}

/// `GET /held`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let ask = Ask { signed, scope: fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")? };
    let notices = done(&fields);
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        let found = shard.list_outbox(&query(None, ask.scope.clone()))?;
        let mut groups = Vec::new();
        for one in ground.list.installations.iter().filter(|one| one.counts.outbox_held > 0) {
            let own =
                found.requests.iter().filter(|request| request.installation == one.name).map(|request| request.at.0);
            let (first, last) = (own.clone().min(), own.max());
            groups.push(Group {
                installation: one.name.to_string(),
                number: number(one.counts.outbox_held),
                first: first.map(|at| ground.wall.when(at)),
                last: last.map(|at| ground.wall.when(at)),
            });
        }
        Ok(ListPage {
            notices,
            groups,
            requests: rows(&found.requests, &ground),
            has_more: found.more,
            empty: Empty {
                icon: Icon::Check,
                title: "No held requests".to_owned(),
                text: "A rollback holds back what the bad version wrote and had not sent yet. You then decide here."
                    .to_owned(),
                command: None,
            },
            frame: Frame::new(shard, &ask, &ground, Section::Held, "Held requests"),
        })
    });
    ok(&page.await?)
}

fn done(fields: &Fields) -> Vec<Notice> {
    let number = |name| fields.get(name).and_then(|text| text.parse::<u64>().ok());
    let released = number("released").map(|done| {
        let title = format!("{} released", count(done, "request is", "requests are"));
        Notice::new(Tone::Good, title, "They are sent now, in order per key.")
    });
    let discarded = number("discarded").map(|done| {
        let title = format!("{} discarded", count(done, "request is", "requests are"));
        Notice::new(Tone::Good, title, "They are not sent. The audit log has who did it and why.")
    });
    released.into_iter().chain(discarded).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Release,
    Discard,
}

/// All held requests of an installation, or one.
#[derive(Clone)]
struct Selection {
    id: Option<OutboxId>,
    installation: InstallationName,
}

impl Selection {
    fn of(fields: &Fields) -> Result<Self, PageRefusal> {
        let id: Option<OutboxId> = fields.parse_as("id", "the id of an outbox request")?;
        let named = fields.parse_as("installation", "the name of an installation")?;
        let installation = id.as_ref().map(|id| id.installation.clone()).or(named);
        let missing = || AppError::invalid("installation", "expected an installation or one request");
        Ok(Self { id, installation: installation.ok_or_else(missing)? })
    }

    fn pick(&self) -> HeldPick {
        match &self.id {
            Some(id) => HeldPick { ids: vec![id.clone()], installation: None },
            None => HeldPick { ids: Vec::new(), installation: Some(self.installation.clone()) },
        }
    }
}

#[derive(Template)]
#[template(path = "held_preview.html")]
struct PreviewPage {
    frame: Frame,
    path: &'static str,
    button: String,
    text: &'static str,
    is_discard: bool,
    requests: Vec<HeldRow>,
    left_out: u64,
    form: Hidden,
    reason: Input,
}

/// `GET /held/release`
pub(super) async fn preview_release(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let page = preview(&console, signed, Selection::of(&fields)?, Act::Release, None).await?;
    ok(&page)
}

/// `GET /held/discard`
pub(super) async fn preview_discard(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let page = preview(&console, signed, Selection::of(&fields)?, Act::Discard, None).await?;
    ok(&page)
}

async fn preview(
    console: &Console,
    signed: Signed,
    selection: Selection,
    act: Act,
    error: Option<String>,
) -> Result<PreviewPage, PageRefusal> {
    let read = console.read(move |shard| {
        let ground = Ground::of(shard, None)?;
        let ask = Ask { signed, scope: None };
        let mut found = shard.list_outbox(&query(Some(selection.installation.clone()), None))?.requests;
        let own = ground.list.installations.iter().find(|one| one.name == selection.installation);
        let mut all = own.map_or(0, |one| one.counts.outbox_held);
        if let Some(id) = &selection.id {
            found = vec![shard.show_outbox_request(id)?.request];
            found.retain(|one| one.state == OutboxState::Held);
            all = u64::try_from(found.len()).unwrap_or(0);
        }
        if all == 0 {
            return Err(AppError::NotFound { what: "held request to decide about: somebody did already".to_owned() });
        }
        found.truncate(EXAMPLES);
        let many = count(all, "request", "requests");
        let (title, text) = match act {
            Act::Release => (
                format!("Send {many}"),
                "A version that was rolled back wrote them. They are sent as they are, each with its idempotency key.",
            ),
            Act::Discard => (format!("Discard {many}"), "They are never sent. The connector is not told."),
        };
        let (id, name) = (selection.id.as_ref().map(ToString::to_string), selection.installation.to_string());
        let mut fields = vec![("installation", name.as_str())];
        fields.extend(id.as_deref().map(|id| ("id", id)));
        Ok(PreviewPage {
            path: if act == Act::Release { "/held/release" } else { "/held/discard" },
            button: title.clone(),
            text,
            is_discard: act == Act::Discard,
            left_out: all.saturating_sub(u64::try_from(found.len()).unwrap_or(0)),
            requests: rows(&found, &ground),
            form: ask.hidden(&fields),
            reason: Input::reason(act == Act::Discard).with_error("", error),
            frame: Frame::new(shard, &ask, &ground, Section::Held, title).below("/held", "Held requests"),
        })
    });
    read.await
}

/// `POST /held/release`
pub(super) async fn release(From(console): Shared, posted: Posted) -> Answer {
    resolve(&console, posted, Act::Release).await
}

/// `POST /held/discard`
pub(super) async fn discard(From(console): Shared, posted: Posted) -> Answer {
    resolve(&console, posted, Act::Discard).await
}

async fn resolve(console: &Console, posted: Posted, act: Act) -> Answer {
    let selection = Selection::of(&posted.fields)?;
    let reason = posted.fields.get("reason").map(str::to_owned);
    let request = HeldRequest { pick: selection.pick(), by: None, reason };
    let caller = &posted.signed.caller.0;
    let done = match act {
        Act::Release => console.shard.release_outbox_requests(caller, request).await,
        Act::Discard => console.shard.discard_outbox_requests(caller, request).await,
    };
    match done {
        Ok(report) => {
            let word = if act == Act::Release { "released" } else { "discarded" };
            Ok(see_other(&format!("/held?{word}={}", report.done)))
        }
        Err(AppError::Invalid { field: Some(field), message, .. }) if field == "reason" => {
            let page = preview(console, posted.signed, selection, act, Some(message)).await?;
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}
