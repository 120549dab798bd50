//! `logs`: shows log messages of connectors, once or continuously.

use crate::args::{GlobalArgs, LogsArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::host::logs;
use handoff_control::host::logs::{LogList, LogQuery};

/// How long the host may hold a request open while there are no new messages, in milliseconds.
const WAIT_MS: u64 = 25_000;

pub(crate) async fn run(global: &GlobalArgs, args: &LogsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let mut query = LogQuery {
        installation: args.installation.clone(),
        level: args.level.map(Into::into),
        after: None,
        limit: args.limit,
        wait_ms: None,
    };
    let mut list = output.while_waiting("asking the host", host.get(&logs::LIST, &[], &query)).await?;
    lines(&list, output)?;
    if !args.follow {
        return Ok(Exit::Ok);
    }
    loop {
        query.after = Some(list.next);
        query.limit = None;
        query.wait_ms = Some(WAIT_MS);
        list = host.get(&logs::LIST, &[], &query).await?;
        if list.missed {
            output.note("some messages were too many to keep and are missing here");
        }
        lines(&list, output)?;
    }
}

fn lines(list: &LogList, output: &mut Output) -> Result<(), CliError> {
    list.lines.iter().try_for_each(|line| output.line(line, show::event::log))
}
