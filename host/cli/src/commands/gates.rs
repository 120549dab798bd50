//! `gates`: lists and opens gates.

use crate::args::{GateAction, GatesArgs, GlobalArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::gates;
use handoff_control::gates::GateRequest;
use handoff_control::operation::Nothing;

pub(crate) async fn run(global: &GlobalArgs, args: &GatesArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    match &args.action {
        None => {
            let list = output.while_waiting("asking the host", host.get(&gates::LIST, &[], &Nothing {})).await?;
            output.view(&list, show::gates::list)?;
        }
        Some(GateAction::Open(args)) => {
            let request = GateRequest {
                target: args.target.clone(),
                profile: args.profile.clone(),
                by: ask::note(args.who.by.as_deref()),
                reason: args.who.reason.clone(),
            };
            let report = output.while_waiting("opening", host.post(&gates::OPEN, &[], &request)).await?;
            output.view(&report, show::gates::opened)?;
        }
    }
    Ok(Exit::Ok)
}
