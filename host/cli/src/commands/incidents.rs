//! `incidents`: what a person should look at, and that one did.

use crate::args::{GlobalArgs, IncidentAction, IncidentsArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, connection, show};
use handoff_control::ChangeRequest;

pub(crate) async fn run(global: &GlobalArgs, args: &IncidentsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let client = connection::client(global)?;
    match &args.action {
        None => {
            let list = output.while_waiting("asking the host", client.incidents()).await?;
            output.view(&list, show::incidents::list)?;
        }
        Some(IncidentAction::Close(args)) => {
            let change = ChangeRequest { by: ask::who(args.who.by.as_deref()), reason: args.who.reason.clone() };
            let view = output.while_waiting("closing", client.close_incident(&args.id, &change)).await?;
            output.view(&view, show::incidents::closed)?;
        }
    }
    Ok(Exit::Ok)
}
