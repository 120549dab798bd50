//! `backup`: writes a backup of the host's data while it runs.

use crate::args::{BackupArgs, GlobalArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::host::backup::{BACK_UP, BackUpRequest};

pub(crate) async fn run(global: &GlobalArgs, args: &BackupArgs, output: &mut Output) -> Result<Exit, CliError> {
    let folder = super::absolute(&args.folder)?;
    let host = Connection::open(global).await?;
    let request = BackUpRequest { folder, by: ask::note(args.who.by.as_deref()), reason: args.who.reason.clone() };
    let view = output.while_waiting("copying", host.post(&BACK_UP, &[], &request)).await?;
    output.view(&view, show::backup::written)?;
    Ok(Exit::Ok)
}
