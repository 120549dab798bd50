//! `history` and `audit`: shows changes with their authors and reasons.

use crate::args::{AuditArgs, AuditCommand, GlobalArgs, HistoryArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::audit;
use handoff_control::audit::{AuditQuery, AuditVerifyQuery};
use handoff_control::installations::history;
use handoff_control::operation::Nothing;

pub(crate) async fn history(global: &GlobalArgs, args: &HistoryArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let view =
        output.while_waiting("asking the host", host.get(&history::SHOW, &[args.name.as_str()], &Nothing {})).await?;
    output.view(&view, show::history::history)?;
    Ok(Exit::Ok)
}

pub(crate) async fn audit(global: &GlobalArgs, args: &AuditArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    if let Some(AuditCommand::Verify { head }) = &args.command {
        let query = AuditVerifyQuery { head: head.clone() };
        let view = output.while_waiting("checking the chain", host.get(&audit::VERIFY, &[], &query)).await?;
        output.view(&view, show::history::verdict)?;
        return Ok(if view.sound { Exit::Ok } else { Exit::Failed });
    }
    let query = AuditQuery {
        after: args.after,
        installation: args.installation.as_ref().map(ToString::to_string),
        rooftop: args.rooftop.clone(),
        limit: args.limit,
    };
    let view = output.while_waiting("asking the host", host.get(&audit::LIST, &[], &query)).await?;
    output.view(&view, show::history::audit)?;
    Ok(Exit::Ok)
}
