//! `outbox`: requests to other systems.

use crate::app::views::outbox::OutboxQuery;
use crate::cli::args::{GlobalArgs, OutboxArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::show;
use crate::cli::source::Source;

pub(in crate::cli) async fn run(global: &GlobalArgs, args: &OutboxArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let query =
        OutboxQuery { installation: args.installation.clone(), state: args.state.map(Into::into), limit: args.limit };
    let view = output.while_waiting("asking the host", source.outbox(&query)).await?;
    output.view(&view, show::event::outbox)?;
    Ok(Exit::Ok)
}
