//! The audit log: who changed what, when and why, in a chain of hashes.

use askama::Template;
use axum::extract::State as From;

use super::components::{Empty, Icon, Pager, When};
use super::frame::{Ask, Frame, Ground, Section};
use super::request::Fields;
use super::session::Signed;
use super::words::{number, sentence};
use super::{Answer, Shared, ok};
use handoff_control::audit::{AuditEntryView, AuditQuery};

/// Entries per page.
const PAGE: u32 = 50;
/// Longest detail in a row, in characters; the command line shows all of it.
const DETAIL_CHARS_MAX: usize = 240;

struct Entry {
    number: String,
    at: When,
    by: String,
    action: String,
    subject: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    entries: Vec<Entry>,
    installation: String,
    rooftop: String,
    head: String,
    hash: String,
    pager: Pager,
    empty: Empty,
}

/// `GET /audit`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let scope = fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")?;
    let after: Option<u64> = fields.parse_as("after", "the number of an entry")?;
    let installation = fields.get("installation").map(str::to_owned);
    let ask = Ask { signed, scope };
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        let is_filtered = installation.is_some() || ask.scope.is_some();
        let limit = Some(if is_filtered { 1_000 } else { PAGE });
        let query = AuditQuery { after, installation: installation.clone(), rooftop: ask.scope.clone(), limit };
        let list = shard.list_audit(&query)?;
        let first = list.entries.first().map_or(0, |entry| entry.number);
        // Numbers have no gaps, so a page is the entries below its first one.
        let older = (first > 1 && !is_filtered).then(|| first.saturating_sub(1).saturating_sub(PAGE.into()));
        let text = if is_filtered { "The newest 1,000 at most." } else { "Newest first." };
        Ok(AuditPage {
            entries: list.entries.iter().rev().map(|entry| row(entry, &ground)).collect(),
            rooftop: ask.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
            head: number(list.head.number),
            hash: list.head.hash,
            pager: Pager {
                text: text.to_owned(),
                first: after.map(|_| "/audit".to_owned()),
                next: older.map(|older| (format!("/audit?after={older}"), "Older")),
            },
            empty: Empty {
                icon: Icon::Audit,
                title: "No changes".to_owned(),
                text: match &installation {
                    Some(name) => format!("No entry is about `{}`.", crate::printable(name)),
                    None => "Every change by a person, a program or the host itself is written here.".to_owned(),
                },
                command: None,
            },
            installation: installation.unwrap_or_default(),
            frame: Frame::new(shard, &ask, &ground, Section::Audit, "Audit"),
        })
    });
    ok(&page.await?)
}

fn row(entry: &AuditEntryView, ground: &Ground) -> Entry {
    Entry {
        number: number(entry.number),
        at: ground.wall.when(entry.at.0),
        by: entry.by.clone(),
        action: sentence(&entry.action),
        subject: entry.subject.clone(),
        detail: detail(&entry.detail),
    }
}

/// The simple values of an entry's details.
fn detail(detail: &serde_json::Value) -> String {
    let parts = detail.as_object().into_iter().flatten().filter_map(|(name, value)| match value {
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        serde_json::Value::String(text) if text.is_empty() => None,
        serde_json::Value::String(text) => Some(format!("{name}: {text}")),
        value => Some(format!("{name}: {value}")),
    });
    let text = parts.collect::<Vec<_>>().join(" · ");
    match text.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
