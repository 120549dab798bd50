//! `retry-now`: delivers the events that wait for a retry at once.

use crate::args::{GlobalArgs, RetryNowArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::ChangeRequest;
use handoff_control::installations;

pub(crate) async fn run(global: &GlobalArgs, args: &RetryNowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let request = ChangeRequest { by: ask::note(args.who.by.as_deref()), reason: args.who.reason.clone() };
    let name = args.name.as_str();
    let report = output.while_waiting("retrying", host.post(&installations::RETRY_NOW, &[name], &request)).await?;
    output.view(&report, show::installation::retried)?;
    Ok(Exit::Ok)
}
