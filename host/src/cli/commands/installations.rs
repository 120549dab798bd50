//! `list` and `show`: what is installed.

use crate::cli::args::{GlobalArgs, ShowArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::show;
use crate::cli::source::Source;

pub(in crate::cli) async fn list(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.installations()).await?;
    output.view(&view, show::installation::list)?;
    Ok(Exit::Ok)
}

pub(in crate::cli) async fn show(global: &GlobalArgs, args: &ShowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.installation(&args.name)).await?;
    output.view(&view, show::installation::show)?;
    Ok(Exit::Ok)
}
