//! Open incidents: what the host stopped or refuses by itself, and what people close.

use askama::Template;
use axum::extract::{Path, State as From};

use super::components::{Code, Empty, Hidden, Icon, State, Tone, When};
use super::frame::{Ask, Frame, Ground, Section};
use super::guard::see_other;
use super::request::{Fields, Posted};
use super::session::Signed;
use super::words::{prose, sentence};
use super::{Answer, Shared, ok};
use handoff_control::ChangeRequest;
use handoff_control::incidents::IncidentView;

struct IncidentRow {
    id: String,
    kind: String,
    subject: String,
    state: State,
    message: String,
    waits: Option<String>,
    command: Option<String>,
    installation: Option<String>,
    at: When,
    ago: String,
    times: u64,
    closes_itself: bool,
    evidence: Option<Code>,
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    frame: Frame,
    incidents: Vec<IncidentRow>,
    form: Hidden,
    empty: Empty,
}

/// `GET /incidents`
pub(super) async fn list(From(console): Shared, signed: Signed, fields: Fields) -> Answer {
    let ask = Ask { signed, scope: fields.parse_as("rooftop", "the name of a rooftop, or `group:NAME`")? };
    let page = console.read(move |shard| {
        let ground = Ground::of(shard, ask.scope.as_ref())?;
        Ok(IncidentsPage {
            incidents: ground.incidents.iter().map(|one| row(one, &ground)).collect(),
            form: ask.hidden(&[]),
            empty: Empty {
                icon: Icon::Check,
                title: "No open incidents".to_owned(),
                text: format!(
                    "Checked at {}. What the host stops or refuses by itself appears here.",
                    ground.wall.when(ground.wall.now).exact
                ),
                command: None,
            },
            frame: Frame::new(shard, &ask, &ground, Section::Incidents, "Incidents").live(),
        })
    });
    ok(&page.await?)
}

fn row(one: &IncidentView, ground: &Ground) -> IncidentRow {
    let evidence = (!one.evidence.is_null()).then(|| serde_json::to_string_pretty(&one.evidence).unwrap_or_default());
    IncidentRow {
        id: one.id.clone(),
        kind: sentence(&one.kind),
        subject: one.subject.clone(),
        state: if one.closes_itself { State::new(Tone::Bad, "Now") } else { State::new(Tone::Wait, "To be read") },
        message: prose(&one.message),
        waits: one.waits.clone(),
        command: one.command.clone(),
        installation: one.installation.as_ref().map(ToString::to_string),
        at: ground.wall.when(one.at.0),
        ago: ground.wall.ago(one.at.0),
        times: one.count,
        closes_itself: one.closes_itself,
        evidence: evidence.map(|text| Code { label: "What the host based it on", text }),
    }
}

/// `POST /incidents/{id}/close`
pub(super) async fn close(From(console): Shared, Path(id): Path<String>, posted: Posted) -> Answer {
    let change = ChangeRequest { by: None, reason: posted.fields.get("reason").map(str::to_owned) };
    console.shard.close_incident(&posted.signed.caller.0, &id, change).await?;
    Ok(see_other("/incidents"))
}
