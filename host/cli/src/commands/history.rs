//! `history` and `audit`: what was changed, by whom and why.

use crate::args::{AuditArgs, AuditCommand, GlobalArgs, HistoryArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use crate::source::Source;
use handoff_control::history::{AuditQuery, AuditVerifyQuery};

pub(crate) async fn history(global: &GlobalArgs, args: &HistoryArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.history(&args.name)).await?;
    output.view(&view, show::history::history)?;
    Ok(Exit::Ok)
}

pub(crate) async fn audit(global: &GlobalArgs, args: &AuditArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    if let Some(AuditCommand::Verify { head }) = &args.command {
        let query = AuditVerifyQuery { head: head.clone() };
        let view = output.while_waiting("checking the chain", source.verify_audit(&query)).await?;
        output.view(&view, show::history::verdict)?;
        return Ok(if view.sound { Exit::Ok } else { Exit::Failed });
    }
    let query = AuditQuery {
        after: args.after,
        installation: args.installation.as_ref().map(ToString::to_string),
        limit: args.limit,
    };
    let view = output.while_waiting("asking the host", source.audit(&query)).await?;
    output.view(&view, show::history::audit)?;
    Ok(Exit::Ok)
}
