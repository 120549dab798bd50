//! `timers`: lists timers, or fires one.

use crate::args::{FireArgs, GlobalArgs, TimersAction, TimersArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_control::timers;
use handoff_control::timers::{FireRequest, TimerQuery};

pub(crate) async fn run(global: &GlobalArgs, args: &TimersArgs, output: &mut Output) -> Result<Exit, CliError> {
    if let Some(TimersAction::Fire(args)) = &args.action {
        return fire(global, args, output).await;
    }
    let host = Connection::open(global).await?;
    let query = TimerQuery { installation: args.installation.clone(), limit: args.limit };
    let view = output.while_waiting("asking the host", host.get(&timers::LIST, &[], &query)).await?;
    output.view(&view, show::timers::list)?;
    Ok(Exit::Ok)
}

async fn fire(global: &GlobalArgs, args: &FireArgs, output: &mut Output) -> Result<Exit, CliError> {
    if !args.yes {
        let question = format!("Deliver the event of the timer `{}` of {} now?", args.key, args.name);
        if !ask::agrees(output, &question, "--yes")? {
            return Err(CliError::needs_approval("the timer was not fired"));
        }
    }
    let request = FireRequest {
        installation: args.name.clone(),
        key: args.key.clone(),
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let host = Connection::open(global).await?;
    let report = output.while_waiting("firing", host.post(&timers::FIRE, &[], &request)).await?;
    output.view(&report, show::timers::fired)?;
    Ok(Exit::Ok)
}
