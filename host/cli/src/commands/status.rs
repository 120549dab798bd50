//! `status`: how the host is.

use crate::args::GlobalArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use crate::source::Source;

pub(crate) async fn run(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.status()).await?;
    output.view(&view, show::status::status)?;
    Ok(Exit::Ok)
}
