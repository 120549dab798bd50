//! `trust`: manages the publishers whose packages the host accepts. Also works on the store of a stopped host.

use crate::args::{GlobalArgs, TrustAddArgs, TrustArgs, TrustCommand, TrustEndArgs};
use crate::connection::{self, Connection};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::operation::Nothing;
use handoff_control::trust;
use handoff_control::trust::{TrustChange, TrustRequest};

pub(crate) async fn run(global: &GlobalArgs, args: &TrustArgs, output: &mut Output) -> Result<Exit, CliError> {
    let request = match &args.command {
        TrustCommand::List => {
            let host = Connection::open(global).await?;
            let view = output.while_waiting("asking the host", host.get(&trust::LIST, &[], &Nothing {})).await?;
            output.view(&view, show::trust::list)?;
            return Ok(Exit::Ok);
        }
        TrustCommand::Add(args) => add(args)?,
        TrustCommand::Retire(args) => end(args, TrustChange::Retire),
        TrustCommand::Revoke(args) => end(args, TrustChange::Revoke),
    };
    let host = Connection::open(global).await?;
    let report = output.while_waiting("asking the host", host.post(&trust::CHANGE, &[], &request)).await?;
    output.view(&report, |report, style| show::trust::changed(report, request.does, style))?;
    Ok(Exit::Ok)
}

fn add(args: &TrustAddArgs) -> Result<TrustRequest, CliError> {
    let key = match (&args.file, &args.key) {
        (Some(path), _) => connection::read(path, "the key file")?,
        (None, Some(key)) => key.clone(),
        (None, None) => return Err(CliError::usage("name the file with the publisher's key, or --key")),
    };
    // Refuse it, because it would stay in the host's request log and in the shell's history.
    if key.contains("PRIVATE KEY") {
        return Err(CliError::invalid("this is a private key: nobody but the publisher may have it").hint(
            "give the public one, which `handoff keys show` prints; replace the private one if it was sent to you",
        ));
    }
    Ok(TrustRequest {
        does: TrustChange::Add,
        publisher: args.publisher.to_string(),
        key: Some(key),
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    })
}

fn end(args: &TrustEndArgs, does: TrustChange) -> TrustRequest {
    TrustRequest {
        does,
        publisher: args.publisher.to_string(),
        key: args.key_id.clone(),
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    }
}
