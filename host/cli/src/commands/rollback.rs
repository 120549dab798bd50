//! `rollback`: rolls back to the previous version immediately. Asks for no confirmation, so that it is fast.

use crate::args::{BackTo, GlobalArgs, RollbackArgs};
use crate::ask;
use crate::commands::many;
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::installations::rollback;
use handoff_control::installations::rollback::RollbackRequest;
use handoff_model::names::InstallationName;

pub(crate) async fn run(global: &GlobalArgs, args: &RollbackArgs, output: &mut Output) -> Result<Exit, CliError> {
    if let Some(package) = &args.package {
        return many::rollback(global, args, package.as_str(), output).await;
    }
    let name = args.name.as_ref().map(InstallationName::as_str).unwrap_or_default();
    let host = Connection::open(global).await?;
    let (to_generation, to_version) = match &args.to {
        None => (None, None),
        Some(BackTo::Generation(generation)) => (Some(*generation), None),
        Some(BackTo::Version(version)) => (None, Some(version.to_string())),
    };
    let request = RollbackRequest {
        to_generation,
        to_version,
        restore_state: args.restore_state,
        keep_state: args.keep_state,
        replay: args.replay,
        dry_run: args.dry_run,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let report = output.while_waiting("rolling back", host.post(&rollback::ROLLBACK, &[name], &request)).await?;
    output.view(&report, show::rollback::rollback)?;
    Ok(Exit::Ok)
}
