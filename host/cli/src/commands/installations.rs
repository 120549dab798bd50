//! `list` and `show`: shows installations.

use crate::args::{GlobalArgs, ListArgs, ShowArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::host::status;
use handoff_control::host::status::HostState;
use handoff_control::installations;
use handoff_control::installations::InstallationQuery;
use handoff_control::operation::Nothing;

pub(crate) async fn list(global: &GlobalArgs, args: &ListArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let query = InstallationQuery { rooftop: args.rooftop.clone() };
    let view = output.while_waiting("asking the host", host.get(&installations::LIST, &[], &query)).await?;
    output.view(&view, show::installation::list)?;
    if view.host == HostState::Stopped {
        let status = host.get(&status::SHOW, &[], &Nothing {}).await?;
        return Ok(super::status::exit(&status));
    }
    Ok(Exit::Ok)
}

pub(crate) async fn show(global: &GlobalArgs, args: &ShowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    if args.settings {
        let path = [args.name.as_str()];
        let asked = host.get(&installations::SETTINGS, &path, &Nothing {});
        let view = output.while_waiting("asking the host", asked).await?;
        output.view(&view, show::installation::settings)?;
        return Ok(Exit::Ok);
    }
    let view = output
        .while_waiting("asking the host", host.get(&installations::SHOW, &[args.name.as_str()], &Nothing {}))
        .await?;
    output.view(&view, show::installation::show)?;
    Ok(Exit::Ok)
}
