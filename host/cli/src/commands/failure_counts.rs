//! `failure-counts`: shows and sends what registries are told about failures.

use crate::args::{FailureCountsArgs, GlobalArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::operation::Nothing;
use handoff_control::registry::failure_counts::{LIST, SEND};

pub(crate) async fn run(global: &GlobalArgs, args: &FailureCountsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    if args.send {
        let sent = output.while_waiting("sending", host.post(&SEND, &[], &Nothing {})).await?;
        output.view(&sent, show::failure_counts::sent)?;
    } else {
        let list = output.while_waiting("asking the host", host.get(&LIST, &[], &Nothing {})).await?;
        output.view(&list, show::failure_counts::list)?;
    }
    Ok(Exit::Ok)
}
