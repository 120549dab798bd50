//! `uninstall`: shows what would be removed, asks, then ends the installation.

use crate::args::{GlobalArgs, UninstallArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::installations::uninstall::{UNINSTALL, UninstallRequest};

pub(crate) async fn run(global: &GlobalArgs, args: &UninstallArgs, output: &mut Output) -> Result<Exit, CliError> {
    let export = args.export.as_deref().map(super::absolute).transpose()?;
    let host = Connection::open(global).await?;
    let name = args.name.as_str();
    let mut request = UninstallRequest {
        dry_run: true,
        export,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let plan = output.while_waiting("looking", host.post(&UNINSTALL, &[name], &request)).await?;
    if !output.json {
        output.text(&show::uninstall::plan(&plan, &output.style))?;
    }
    if !args.yes && !ask::agrees(output, &format!("Uninstall {name}?"), "--yes")? {
        return Err(CliError::needs_approval("nothing was changed"));
    }
    request.dry_run = false;
    let report = output.while_waiting("uninstalling", host.post(&UNINSTALL, &[name], &request)).await?;
    output.view(&report, show::uninstall::done)?;
    Ok(Exit::Ok)
}
