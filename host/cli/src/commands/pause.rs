//! `pause` and `resume`: stops and restarts deliveries. Events are accepted in the meantime.

use crate::args::{GlobalArgs, PauseArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::ChangeRequest;
use handoff_control::installations;

/// Pauses if `pause`, else resumes.
pub(crate) async fn run(
    global: &GlobalArgs,
    args: &PauseArgs,
    pause: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let request = ChangeRequest { by: ask::note(args.who.by.as_deref()), reason: args.who.reason.clone() };
    let report = if pause {
        output.while_waiting("pausing", host.post(&installations::PAUSE, &[args.name.as_str()], &request)).await?
    } else {
        output.while_waiting("resuming", host.post(&installations::RESUME, &[args.name.as_str()], &request)).await?
    };
    output.view(&report, show::installation::paused)?;
    Ok(Exit::Ok)
}
