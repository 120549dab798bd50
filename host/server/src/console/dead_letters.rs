//! Dead letters by cause, and one by one; delivering them again and discarding them, each with a preview.

use askama::Template;
use axum::extract::State as From;
use axum::response::Response;

use super::components::{Empty, Hidden, Icon, Input, Notice, Pager, Tone, When};
use super::frame::{Ask, Frame, Ground, Section};
use super::guard::see_other;
use super::refusal::PageRefusal;
use super::request::{Fields, Posted};
use super::session::Signed;
use super::words::{count, in_query, number, type_words};
use super::{Answer, Console, Shared, html, ok};
use handoff_app::error::AppError;
use handoff_control::dead_letters::{
    CauseQuery, CauseView, DeadLetterId, DeadLetterList, DeadLetterPick, DeadLetterQuery, DeadLetterReport,
    DeadLetterRequest, DeadLetterView,
};
use handoff_model::names::InstallationName;
use http::StatusCode;

/// Dead letters that a preview shows.
const EXAMPLES: u32 = 10;

struct CauseRow {
    installation: String,
    code: String,
    number: String,
    first: When,
    last: When,
    messages: Vec<String>,
    example: String,
    /// The query that selects these.
    query: String,
}

struct LetterRow {
    id: String,
    position: String,
    installation: String,
    what: String,
    about: String,
    code: String,
    message: String,
    attempts: String,
    at: When,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct ListPage {
    frame: Frame,
    notices: Vec<Notice>,
    causes: Vec<CauseRow>,
    letters: Vec<LetterRow>,
    pager: Pager,
    empty: Empty,
}

/// `GET /dead-letters`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let scope = fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")?;
    let query = DeadLetterQuery {
        installation: fields.parse_as("installation", "the name of an installation")?,
        rooftop: scope.clone(),
        code: fields.get("code").map(str::to_owned),
        after: fields.parse_as("after", "the id of a dead letter")?,
        limit: None,
    };
    let filters: Vec<String> = ["rooftop", "installation", "code"]
        .iter()
        .filter_map(|name| fields.get(name).map(|value| format!("{name}={}", in_query(value))))
        .collect();
    let notices = done(&fields);
    let ask = Ask { signed, scope };
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        let causes = CauseQuery { installation: query.installation.clone(), rooftop: ask.scope.clone() };
        let causes = shard.list_dead_letter_causes(&causes)?;
        let found = shard.list_dead_letters(&query)?;
        let base = filters.join("&");
        let next = found.next.as_ref().map(|next| {
            let after = in_query(&next.to_string());
            (format!("/dead-letters?{base}{}after={after}", if base.is_empty() { "" } else { "&" }), "Newer")
        });
        let code = query.code.clone();
        let is_wanted = |one: &&CauseView| code.as_ref().is_none_or(|code| one.code == *code);
        Ok(ListPage {
            notices,
            causes: causes.causes.iter().filter(is_wanted).map(|one| cause(one, &ground)).collect(),
            letters: letters(&found, &ground),
            pager: Pager {
                text: "By installation, oldest first.".to_owned(),
                first: query.after.as_ref().map(|_| format!("/dead-letters?{base}")),
                next,
            },
            empty: none(),
            frame: Frame::new(shard, &ask, &ground, Section::DeadLetters, "Dead letters"),
        })
    });
    ok(&page.await?)
}

fn none() -> Empty {
    Empty {
        icon: Icon::Check,
        title: "No dead letters".to_owned(),
        text: "An event comes here when its delivery failed for good. It stays until somebody decides about it."
            .to_owned(),
        command: None,
    }
}

/// What a form just did: only numbers come from the address.
fn done(fields: &Fields) -> Vec<Notice> {
    let number = |name| fields.get(name).and_then(|text| text.parse::<u64>().ok());
    let again = number("redriven").map(|done| {
        let title = format!("{} delivered again", count(done, "dead letter is", "dead letters are"));
        Notice::new(Tone::Good, title, "Those with the same key keep their order. Each is an event of its own now.")
    });
    let discarded = number("discarded").map(|done| {
        let title = format!("{} discarded", count(done, "dead letter is", "dead letters are"));
        Notice::new(Tone::Good, title, "The audit log has who did it and why.")
    });
    let missing = number("missing").filter(|missing| *missing > 0).map(|missing| {
        let title = format!("{} left out", count(missing, "was", "were"));
        Notice::new(Tone::Wait, title, "Somebody else decided about them meanwhile.")
    });
    again.into_iter().chain(discarded).chain(missing).collect()
}

fn cause(one: &CauseView, ground: &Ground) -> CauseRow {
    CauseRow {
        installation: one.installation.to_string(),
        code: one.code.clone(),
        number: number(one.count),
        first: ground.wall.when(one.first_at.0),
        last: ground.wall.when(one.last_at.0),
        messages: one.messages.iter().map(|message| message.pattern.clone()).collect(),
        example: one.example.to_string(),
        query: format!("installation={}&code={}", one.installation, in_query(&one.code)),
    }
}

fn letters(list: &DeadLetterList, ground: &Ground) -> Vec<LetterRow> {
    let row = |one: &DeadLetterView| LetterRow {
        id: one.id.to_string(),
        position: one.id.position.to_string(),
        installation: one.id.installation.to_string(),
        what: type_words(&one.type_name),
        about: one.subject.clone().unwrap_or_default(),
        code: one.failure.code.clone(),
        message: one.failure.message.clone(),
        attempts: number(one.attempts.into()),
        at: ground.wall.when(one.at.0),
    };
    list.dead_letters.iter().map(row).collect()
}

/// What to do with the selected ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Redrive,
    Discard,
}

#[derive(Template)]
#[template(path = "dead_letters_preview.html")]
struct PreviewPage {
    frame: Frame,
    path: &'static str,
    button: String,
    text: &'static str,
    selects: String,
    is_discard: bool,
    letters: Vec<LetterRow>,
    left_out: u64,
    form: Hidden,
    reason: Input,
}

/// What a preview selects: one, or all of an installation with a code.
#[derive(Clone)]
struct Selection {
    id: Option<DeadLetterId>,
    installation: Option<InstallationName>,
    code: Option<String>,
}

impl Selection {
    fn of(fields: &Fields) -> Result<Self, PageRefusal> {
        let id = fields.parse_as("id", "the id of a dead letter")?;
        let installation = fields.parse_as("installation", "the name of an installation")?;
        let selection = Self { id, installation, code: fields.get("code").map(str::to_owned) };
        if selection.id.is_none() && selection.installation.is_none() {
            return Err(AppError::invalid("installation", "expected an installation or one dead letter").into());
        }
        Ok(selection)
    }

    fn pick(&self) -> DeadLetterPick {
        match &self.id {
            Some(id) => DeadLetterPick { ids: vec![id.clone()], ..DeadLetterPick::default() },
            None => {
                DeadLetterPick { ids: Vec::new(), installation: self.installation.clone(), code: self.code.clone() }
            }
        }
    }
}

/// `GET /dead-letters/redrive`
pub(super) async fn preview_redrive(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let page = preview(&console, signed, Selection::of(&fields)?, Act::Redrive, None).await?;
    ok(&page)
}

/// `GET /dead-letters/discard`
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
        let (found, all) = match &selection.id {
            Some(id) => {
                let query = DeadLetterQuery { installation: Some(id.installation.clone()), ..DeadLetterQuery::default() };
                let before = id.position.0.checked_sub(1).map(handoff_model::names::Position);
                let after = before.map(|position| DeadLetterId { installation: id.installation.clone(), position });
                let mut found = shard.list_dead_letters(&DeadLetterQuery { after, limit: Some(1), ..query })?;
                found.dead_letters.retain(|one| one.id == *id);
                let all = u64::try_from(found.dead_letters.len()).unwrap_or(0);
                (found, all)
            }
            None => {
                let (installation, code) = (selection.installation.clone(), selection.code.clone());
                let causes = CauseQuery { installation: installation.clone(), rooftop: None };
                let causes = shard.list_dead_letter_causes(&causes)?.causes;
                let chosen = causes.iter().filter(|one| code.as_ref().is_none_or(|code| one.code == *code));
                let all = chosen.map(|one| one.count).sum();
                let query = DeadLetterQuery { installation, code, limit: Some(EXAMPLES), ..DeadLetterQuery::default() };
                (shard.list_dead_letters(&query)?, all)
            }
        };
        if all == 0 {
            return Err(AppError::NotFound { what: "dead letter to decide about: somebody did already".to_owned() });
        }
        let letters = letters(&found, &ground);
        let many = count(all, "dead letter", "dead letters");
        let (title, button, text) = match act {
            Act::Redrive => (
                format!("Deliver {many} again"),
                format!("Deliver {many} again"),
                "Each becomes a new event for the active version of its installation. Those with the same key keep their order. \
                 Requests that were sent already keep their idempotency key.",
            ),
            Act::Discard => (
                format!("Discard {many}"),
                format!("Discard {many}"),
                "They are not delivered any more. The events stay in the log until retention removes them.",
            ),
        };
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        fields.extend(selection.id.as_ref().map(|id| ("id", id.to_string())));
        fields.extend(selection.installation.as_ref().map(|name| ("installation", name.to_string())));
        fields.extend(selection.code.as_ref().map(|code| ("code", code.clone())));
        let fields: Vec<(&'static str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = selection.id.as_ref().map(|id| &id.installation).or(selection.installation.as_ref());
        let code = selection.code.as_ref().map(|code| format!(" with the code {code}")).unwrap_or_default();
        Ok(PreviewPage {
            path: if act == Act::Redrive { "/dead-letters/redrive" } else { "/dead-letters/discard" },
            button,
            text,
            selects: format!("{many} of {}{code}", name.map(ToString::to_string).unwrap_or_default()),
            is_discard: act == Act::Discard,
            left_out: all.saturating_sub(u64::try_from(letters.len()).unwrap_or(0)),
            letters,
            form: ask.hidden(&fields),
            reason: Input::reason(act == Act::Discard).with_error("", error),
            frame: Frame::new(shard, &ask, &ground, Section::DeadLetters, title).below("/dead-letters", "Dead letters"),
        })
    });
    read.await
}

/// `POST /dead-letters/redrive`
pub(super) async fn redrive(From(console): Shared, posted: Posted) -> Answer {
    resolve(&console, posted, Act::Redrive).await
}

/// `POST /dead-letters/discard`
pub(super) async fn discard(From(console): Shared, posted: Posted) -> Answer {
    resolve(&console, posted, Act::Discard).await
}

async fn resolve(console: &Console, posted: Posted, act: Act) -> Answer {
    let selection = Selection::of(&posted.fields)?;
    let reason = posted.fields.get("reason").map(str::to_owned);
    let request = DeadLetterRequest { pick: selection.pick(), by: None, reason };
    let caller = &posted.signed.caller.0;
    let done = match act {
        Act::Redrive => console.shard.redrive_dead_letters(caller, request).await,
        Act::Discard => console.shard.discard_dead_letters(caller, request).await,
    };
    match done {
        Ok(report) => Ok(after(&report, act)),
        Err(AppError::Invalid { field: Some(field), message, .. }) if field == "reason" => {
            let page = preview(console, posted.signed, selection, act, Some(message)).await?;
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

fn after(report: &DeadLetterReport, act: Act) -> Response {
    let word = if act == Act::Redrive { "redriven" } else { "discarded" };
    see_other(&format!("/dead-letters?{word}={}&missing={}", report.done, report.unknown.len()))
}
