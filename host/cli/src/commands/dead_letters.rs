//! `dead-letters`, `redrive`, `discard` and `set-aside`: lists dead letters, delivers them again or discards them, and
//! makes one of a waiting event.

use crate::args::{DeadLettersArgs, DiscardArgs, GlobalArgs, PickArgs, RedriveArgs, SetAsideArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::dead_letters;
use handoff_control::dead_letters::{
    DeadLetterPick, DeadLetterQuery, DeadLetterReport, DeadLetterRequest, SetAsideRequest,
};

pub(crate) async fn list(global: &GlobalArgs, args: &DeadLettersArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let query = DeadLetterQuery {
        installation: args.installation.clone(),
        rooftop: args.rooftop.clone(),
        code: args.code.clone(),
        after: args.after.clone(),
        limit: args.limit,
    };
    let view = output.while_waiting("asking the host", host.get(&dead_letters::LIST, &[], &query)).await?;
    output.view(&view, show::letters::list)?;
    Ok(Exit::Ok)
}

pub(crate) async fn redrive(global: &GlobalArgs, args: &RedriveArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let request = DeadLetterRequest {
        pick: pick(&args.pick),
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let report = output.while_waiting("redriving", host.post(&dead_letters::REDRIVE, &[], &request)).await?;
    output.view(&report, |view, style| show::letters::report(view, "redrove", style))?;
    Ok(exit(&report))
}

pub(crate) async fn discard(global: &GlobalArgs, args: &DiscardArgs, output: &mut Output) -> Result<Exit, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::usage("--reason is empty: say why these may be given up"));
    }
    let host = Connection::open(global).await?;
    let pick = pick(&args.pick);
    if pick.ids.is_empty() && !args.yes {
        let question = format!("Give up all dead letters{}, for good?", words(&pick));
        if !ask::agrees(output, &question, "--yes")? {
            return Err(CliError::needs_approval("nothing was discarded"));
        }
    }
    let request = DeadLetterRequest { pick, by: ask::note(args.by.as_deref()), reason: Some(args.reason.clone()) };
    let report = output.while_waiting("discarding", host.post(&dead_letters::DISCARD, &[], &request)).await?;
    output.view(&report, |view, style| show::letters::report(view, "discarded", style))?;
    Ok(exit(&report))
}

pub(crate) async fn set_aside(global: &GlobalArgs, args: &SetAsideArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let by = ask::note(args.by.as_deref());
    let request = SetAsideRequest { id: args.id.clone(), by, reason: args.reason.clone() };
    let view = output.while_waiting("setting aside", host.post(&dead_letters::SET_ASIDE, &[], &request)).await?;
    output.view(&view, show::letters::set_aside)?;
    Ok(Exit::Ok)
}

fn pick(args: &PickArgs) -> DeadLetterPick {
    DeadLetterPick { ids: args.ids.clone(), installation: args.installation.clone(), code: args.code.clone() }
}

fn words(pick: &DeadLetterPick) -> String {
    let installation = pick.installation.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    let code = pick.code.as_ref().map(|code| format!(" with code {code}")).unwrap_or_default();
    format!("{installation}{code}")
}

/// If ids are not dead letters, the command exits with "not found" after it processed the others.
fn exit(report: &DeadLetterReport) -> Exit {
    if report.unknown.is_empty() { Exit::Ok } else { Exit::NotFound }
}
