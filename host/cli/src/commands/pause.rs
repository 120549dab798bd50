//! `pause` and `resume`: deliveries stop and go on; events are taken all the while.

use crate::args::{GlobalArgs, PauseArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, connection, show};
use handoff_control::ChangeRequest;

/// Pauses if `pause`, else resumes.
pub(crate) async fn run(
    global: &GlobalArgs,
    args: &PauseArgs,
    pause: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let client = connection::client(global)?;
    let request = ChangeRequest { by: ask::who(args.who.by.as_deref()), reason: args.who.reason.clone() };
    let report = if pause {
        output.while_waiting("pausing", client.pause(&args.name, &request)).await?
    } else {
        output.while_waiting("resuming", client.resume(&args.name, &request)).await?
    };
    output.view(&report, show::installation::paused)?;
    Ok(Exit::Ok)
}
