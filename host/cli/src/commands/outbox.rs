//! `outbox`: lists, shows, releases and discards requests to other systems.

use crate::args::{
    DiscardHeldArgs, GlobalArgs, OutboxArgs, OutboxCommand, OutboxListArgs, OutboxShowArgs, PickHeldArgs, ReleaseArgs,
};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::operation::Nothing;
use handoff_control::outbox;
use handoff_control::outbox::{HeldPick, HeldReport, HeldRequest, OutboxQuery};

pub(crate) async fn run(global: &GlobalArgs, args: &OutboxArgs, output: &mut Output) -> Result<Exit, CliError> {
    match &args.command {
        None => list(global, &args.list, output).await,
        Some(OutboxCommand::List(args)) => list(global, args, output).await,
        Some(OutboxCommand::Show(args)) => show_one(global, args, output).await,
        Some(OutboxCommand::Release(args)) => release(global, args, output).await,
        Some(OutboxCommand::Discard(args)) => discard(global, args, output).await,
    }
}

async fn list(global: &GlobalArgs, args: &OutboxListArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let query = OutboxQuery {
        installation: args.installation.clone(),
        rooftop: args.rooftop.clone(),
        state: args.state.map(Into::into),
        limit: args.limit,
    };
    let view = output.while_waiting("asking the host", host.get(&outbox::LIST, &[], &query)).await?;
    output.view(&view, show::outbox::list)?;
    Ok(Exit::Ok)
}

async fn show_one(global: &GlobalArgs, args: &OutboxShowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let view = output
        .while_waiting(
            "asking the host",
            host.get(&outbox::SHOW, &[args.id.installation.as_str(), &args.id.position.to_string()], &Nothing {}),
        )
        .await?;
    output.view(&view, show::outbox::one)?;
    Ok(Exit::Ok)
}

async fn release(global: &GlobalArgs, args: &ReleaseArgs, output: &mut Output) -> Result<Exit, CliError> {
    confirm(&args.pick, args.yes, "Send all held requests", "", "nothing was released", output)?;
    let host = Connection::open(global).await?;
    let (pick, by) = (pick(&args.pick), ask::note(args.who.by.as_deref()));
    let request = HeldRequest { pick, by, reason: args.who.reason.clone() };
    let report = output.while_waiting("releasing", host.post(&outbox::RELEASE, &[], &request)).await?;
    output.view(&report, |view, style| show::outbox::settled(view, "released", style))?;
    Ok(exit(&report))
}

async fn discard(global: &GlobalArgs, args: &DiscardHeldArgs, output: &mut Output) -> Result<Exit, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::usage("--reason is empty: say why these may be given up"));
    }
    confirm(&args.pick, args.yes, "Give up all held requests", ", for good", "nothing was discarded", output)?;
    let host = Connection::open(global).await?;
    let (pick, by) = (pick(&args.pick), ask::note(args.by.as_deref()));
    let request = HeldRequest { pick, by, reason: Some(args.reason.clone()) };
    let report = output.while_waiting("discarding", host.post(&outbox::DISCARD, &[], &request)).await?;
    output.view(&report, |view, style| show::outbox::settled(view, "discarded", style))?;
    Ok(exit(&report))
}

/// Asks for confirmation if all requests of an installation are selected.
fn confirm(
    pick: &PickHeldArgs,
    yes: bool,
    what: &str,
    end: &str,
    refused: &str,
    output: &Output,
) -> Result<(), CliError> {
    let Some(name) = pick.installation.as_ref().filter(|_| !yes) else { return Ok(()) };
    if ask::agrees(output, &format!("{what} of {name}{end}?"), "--yes")? {
        return Ok(());
    }
    Err(CliError::needs_approval(refused))
}

fn pick(args: &PickHeldArgs) -> HeldPick {
    HeldPick { ids: args.ids.clone(), installation: args.installation.clone() }
}

/// If ids are not held requests, the command exits with "not found" after it processed the others.
fn exit(report: &HeldReport) -> Exit {
    if report.unknown.is_empty() { Exit::Ok } else { Exit::NotFound }
}
