//! `list` and `show`: what is installed.

use crate::args::{GlobalArgs, ShowArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use crate::source::Source;

pub(crate) async fn list(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.installations()).await?;
    output.view(&view, show::installation::list)?;
    Ok(Exit::Ok)
}

pub(crate) async fn show(global: &GlobalArgs, args: &ShowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.installation(&args.name)).await?;
    output.view(&view, show::installation::show)?;
    Ok(Exit::Ok)
}
