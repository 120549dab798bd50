//! `clock`: shows and moves the test clock of a host that was started with one.

use crate::args::{ClockArgs, GlobalArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use handoff_control::host::clock::{MOVE, MoveClockRequest, SHOW};
use handoff_control::operation::Nothing;

pub(crate) async fn run(global: &GlobalArgs, args: &ClockArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let mut view = host.get(&SHOW, &[], &Nothing {}).await?;
    if let Some(to) = &args.to {
        view = host.post(&MOVE, &[], &MoveClockRequest { to: to.from(view.now) }).await?;
    }
    output.view(&view, |view, _| format!("{}\n", view.now))?;
    Ok(Exit::Ok)
}
