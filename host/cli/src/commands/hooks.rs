//! `hooks`: shows webhooks that were accepted and refused.

use crate::args::{GlobalArgs, HooksArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::hooks;
use handoff_control::operation::Nothing;

pub(crate) async fn run(global: &GlobalArgs, args: &HooksArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    match &args.name {
        None => {
            let list = output.while_waiting("asking the host", host.get(&hooks::LIST, &[], &Nothing {})).await?;
            output.view(&list, show::hooks::list)?;
        }
        Some(name) => {
            let name = name.as_str();
            let view = output.while_waiting("asking the host", host.get(&hooks::SHOW, &[name], &Nothing {})).await?;
            output.view(&view, show::hooks::one)?;
        }
    }
    Ok(Exit::Ok)
}
