//! `status`: how the host is.

use crate::cli::args::GlobalArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::show;
use crate::cli::source::Source;

pub(in crate::cli) async fn run(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let source = Source::open(global).await?;
    let view = output.while_waiting("asking the host", source.status()).await?;
    output.view(&view, show::status::status)?;
    Ok(Exit::Ok)
}
