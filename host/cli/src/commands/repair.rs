//! `repair`: reports what would be lost with the damaged parts of a journal, and discards them if allowed. Uses only
//! the store.

use serde::Serialize;

use crate::args::{GlobalArgs, RepairArgs};
use crate::connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean, count};
use handoff_store::{StoreError, StoreOptions};

/// The findings, and whether the damaged parts were discarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepairView {
    accepted: bool,
    losses: Vec<LossView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct LossView {
    file: String,
    byte: u64,
    bytes: u64,
    problem: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_position: Option<u64>,
}

/// Exits with 5 if there is damage whose loss was not accepted.
pub(crate) fn run(global: &GlobalArgs, args: &RepairArgs, output: &mut Output) -> Result<Exit, CliError> {
    let data = match &args.data {
        Some(data) => data.clone(),
        None => connection::places(&global.config)?.data,
    };
    if !data.join("journal").is_dir() {
        return Err(CliError::failed(format!("there is no journal in {}", data.display()))
            .hint("--config or --data names the data folder of the host"));
    }
    let losses = handoff_store::repair(&StoreOptions::new(data), args.accept_loss).map_err(|error| match error {
        StoreError::InUse(_) => CliError::new(Exit::Refused, "host-running", "A host is running", error.to_string())
            .hint("stop the host first"),
        other => CliError::failed(other.to_string()),
    })?;
    let losses = losses.into_iter().map(|loss| LossView {
        file: loss.path.display().to_string(),
        byte: loss.byte,
        bytes: loss.bytes,
        problem: loss.problem,
        after_position: loss.after_position,
        before_position: loss.before_position,
    });
    let view = RepairView { accepted: args.accept_loss, losses: losses.collect() };
    output.view(&view, show)?;
    Ok(if view.losses.is_empty() || view.accepted { Exit::Ok } else { Exit::Refused })
}

fn show(view: &RepairView, style: &Style) -> String {
    if view.losses.is_empty() {
        return format!("{} the journal is sound\n", style.paint(Tone::Good, "✔"));
    }
    let mut text = String::new();
    for loss in &view.losses {
        let bytes = count(loss.bytes, "byte", "bytes");
        let file = clean(&loss.file);
        text.push_str(&format!("{}:{}: {bytes}: {}\n", style.paint(Tone::Bad, &file), loss.byte, loss.problem));
        let after = loss.after_position.map(|position| format!(" after position {position}")).unwrap_or_default();
        let before = loss.before_position.map(|position| format!(" before position {position}")).unwrap_or_default();
        text.push_str(&format!(
            "  lost: what was taken and decided{after}{before}; a delivery whose end was lost is made again\n"
        ));
    }
    text.push_str(if view.accepted {
        "The host starts without these parts. The files as they were are in the data folder's folder `damaged`.\n"
    } else {
        "Nothing was changed. Restore a backup if there is one; else `handoff repair --accept-loss` goes on without these parts.\n"
    });
    text
}
