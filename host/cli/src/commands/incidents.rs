//! `incidents`: lists and closes incidents.

use crate::args::{GlobalArgs, IncidentAction, IncidentsArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::ChangeRequest;
use handoff_control::incidents;
use handoff_control::incidents::IncidentQuery;

pub(crate) async fn run(global: &GlobalArgs, args: &IncidentsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    match &args.action {
        None => {
            let query = IncidentQuery { rooftop: args.rooftop.clone() };
            let list = output.while_waiting("asking the host", host.get(&incidents::LIST, &[], &query)).await?;
            output.view(&list, show::incidents::list)?;
        }
        Some(IncidentAction::Close(args)) => {
            let change = ChangeRequest { by: ask::note(args.who.by.as_deref()), reason: args.who.reason.clone() };
            let view = output.while_waiting("closing", host.post(&incidents::CLOSE, &[&args.id], &change)).await?;
            output.view(&view, show::incidents::closed)?;
        }
    }
    Ok(Exit::Ok)
}
