//! Finding an event or a request by a text. The text is often a customer's name or number, so it is in a form's body,
//! never in an address. What is found is written while the search goes on.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State as From;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tokio::sync::mpsc;

use super::components::{Hidden, Icon, Input, Notice, Tone, When};
use super::frame::{Ask, Choice, Frame, Ground, Section, scope_title};
use super::request::Posted;
use super::session::Signed;
use super::words::{Wall, count, size, type_words};
use super::{Answer, Shared, ok};
use crate::reply::Refusal;
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::Time;
use handoff_control::events::find::{FindRequest, FoundView};
use handoff_model::scope::Scope;

/// Matches that wait for a slow reader.
const FOUND: usize = 64;
/// Where the matches go in the page.
const MARK: &str = "<!-- found -->";
/// How far back a search may go, in days.
const DAYS: [(u64, &str); 4] = [(1, "today and yesterday"), (7, "7 days"), (30, "30 days"), (0, "everything kept")];

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage {
    frame: Frame,
    form: Hidden,
    text: Input,
    days: Vec<Choice>,
    scopes: Vec<Choice>,
    is_searching: bool,
}

#[derive(Template)]
#[template(path = "found.html")]
struct FoundRow {
    what: String,
    href: Option<String>,
    at: When,
    scope: String,
    place: String,
    excerpt: String,
}

#[derive(Template)]
#[template(source = "</ul>{{ notice }}", ext = "html")]
struct FoundEnd {
    notice: Notice,
}

/// `GET /find`
pub(super) async fn show(From(console): Shared, signed: Signed) -> Answer {
    let asked = Asked { text: String::new(), days: 7, scope: None };
    let page = console.read(move |shard| page(shard, signed, &asked, None, false)).await?;
    ok(&page)
}

/// What a person asks for.
#[derive(Clone)]
struct Asked {
    text: String,
    days: u64,
    scope: Option<Scope>,
}

fn page(
    shard: &Shard,
    signed: Signed,
    asked: &Asked,
    error: Option<String>,
    is_searching: bool,
) -> Result<FindPage, AppError> {
    let ground = Ground::of(shard, None)?;
    let ask = Ask { signed, scope: None };
    let input = Input { help: "A telephone number, an e-mail address, a name, an id or a VIN.", ..input(asked, error) };
    let day = |(days, label): (u64, &str)| Choice {
        value: days.to_string(),
        label: label.to_owned(),
        is_chosen: asked.days == days,
    };
    let scope = |scope: Scope| Choice {
        label: scope_title(shard, &scope),
        is_chosen: asked.scope.as_ref() == Some(&scope),
        value: scope.to_string(),
    };
    Ok(FindPage {
        form: ask.hidden(&[]),
        text: input,
        days: DAYS.into_iter().map(day).collect(),
        scopes: shard.process().config().zones().into_keys().map(scope).collect(),
        is_searching,
        frame: Frame::new(shard, &ask, &ground, Section::Find, "Find"),
    })
}

fn input(asked: &Asked, error: Option<String>) -> Input {
    let input = Input { required: true, kind: "search", ..Input::text("text", "What do you look for?", "") };
    input.with_error(&asked.text, error)
}

/// `POST /find`
pub(super) async fn search(From(console): Shared, posted: Posted) -> Answer {
    let fields = &posted.fields;
    let scope = fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")?;
    let days: u64 = fields.parse_as("days", "a number of days")?.unwrap_or(7);
    let asked = Asked { text: fields.text("text"), days, scope };
    let now = console.shard.process().clock().now();
    let since = handoff_model::time::Timestamp(now.0.saturating_sub(days.saturating_mul(86_400_000)));
    let request = FindRequest {
        text: asked.text.clone(),
        limit: None,
        since: (days > 0).then_some(Time(since)),
        rooftop: asked.scope.clone(),
    };
    let query = match console.shard.find_query(&request) {
        Ok(query) => query,
        Err(AppError::Invalid { message, .. }) => {
            let page = console.read(move |shard| page(shard, posted.signed, &asked, Some(message), false)).await?;
            return ok(&page);
        }
        Err(error) => return Err(error.into()),
    };
    let wall = super::frame::wall(&console.shard, asked.scope.as_ref());
    let head = console.read(move |shard| page(shard, posted.signed, &asked, None, true)).await?;
    let text = head.render().map_err(|error| AppError::Internal(format!("a page cannot be written: {error}")))?;
    let (head, tail) = text.split_once(MARK).unwrap_or((text.as_str(), ""));
    let (sender, found) = mpsc::channel::<String>(FOUND);
    // The channel has room for it.
    let _ = sender.try_send(head.to_owned());
    let tail = tail.to_owned();
    let shard = console.shard.clone();
    tokio::task::spawn_blocking(move || {
        let titles = Titles { shard: &shard, wall };
        let mut send = |view: FoundView| match sender.blocking_send(titles.row(&view)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let done = shard.find_text(&query, &mut send);
        let _ = sender.blocking_send(end(done) + &tail);
    });
    Ok(stream(found))
}

struct Titles<'s> {
    shard: &'s Arc<Shard>,
    wall: Wall,
}

impl Titles<'_> {
    fn row(&self, view: &FoundView) -> String {
        let (what, href) = match (&view.type_name, &view.target) {
            (Some(type_name), _) => (type_words(type_name), Some(format!("/events/{}", view.position))),
            (None, target) => {
                let from = view.installation.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
                (format!("Request {}{from}", target.clone().unwrap_or_default()), None)
            }
        };
        let row = FoundRow {
            what,
            href,
            at: self.wall.when(view.at.0),
            scope: scope_title(self.shard, &view.scope),
            place: view.place.clone(),
            excerpt: view.excerpt.clone(),
        };
        row.render().unwrap_or_default()
    }
}

fn end(done: Result<handoff_control::events::find::FindEndView, AppError>) -> String {
    let notice = match done {
        Ok(end) => {
            let searched = format!("{} of the log were searched, newest first.", size(end.searched_bytes));
            let (title, more) = match (end.found, end.more) {
                (0, _) => ("Nothing found".to_owned(), " Try fewer words, a part of the number, or a longer time."),
                (found, true) => {
                    (format!("The newest {}", count(found, "match", "matches")), " There are more: add a word.")
                }
                (found, false) => (count(found, "match", "matches"), " These are all."),
            };
            Notice::new(Tone::Plain, title, format!("{searched}{more}"))
        }
        Err(error) => {
            let problem = Refusal::from(error).into_problem();
            Notice::new(Tone::Bad, "The search broke off", problem.detail)
        }
    };
    FoundEnd { notice }.render().unwrap_or_default()
}

fn stream(found: mpsc::Receiver<String>) -> Response {
    let next = |mut found: mpsc::Receiver<String>| async move {
        let text = found.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), found))
    };
    let mut response = Response::new(Body::from_stream(futures_util::stream::unfold(found, next)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
