//! `status`: shows the status of the host. Its exit code says whether anything needs attention.

use crate::args::GlobalArgs;
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::host::status;
use handoff_control::host::status::{HostState, StatusView};
use handoff_control::operation::Nothing;

pub(crate) async fn run(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let view = output.while_waiting("asking the host", host.get(&status::SHOW, &[], &Nothing {})).await?;
    output.view(&view, show::status::status)?;
    Ok(exit(&view))
}

/// The exit code: whether anything needs attention.
pub(super) fn exit(view: &StatusView) -> Exit {
    let is_well = view.incidents.is_empty() && !matches!(view.state, HostState::Blocked | HostState::Failed);
    if is_well { Exit::Ok } else { Exit::Failed }
}
