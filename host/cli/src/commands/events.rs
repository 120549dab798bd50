//! `events` and `trace`: lists events and shows their effects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::args::{EventsArgs, GlobalArgs, TraceArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::events;
use handoff_control::events::{EventQuery, EventView};
use handoff_control::operation::Nothing;

pub(crate) async fn run(global: &GlobalArgs, args: &EventsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    if let Some(position) = args.position {
        let view = output
            .while_waiting("asking the host", host.get(&events::SHOW, &[&position.to_string()], &Nothing {}))
            .await?;
        if args.data {
            output.bytes(&data(&view)?)?;
        } else {
            output.view(&view, show::event::one)?;
        }
        return Ok(Exit::Ok);
    }
    let query = EventQuery {
        limit: args.limit,
        before: args.before,
        type_name: args.type_name.clone(),
        source: args.source.clone(),
        rooftop: args.rooftop.clone(),
        installation: args.installation.clone(),
    };
    let view = output.while_waiting("asking the host", host.get(&events::LIST, &[], &query)).await?;
    output.view(&view, show::event::list)?;
    Ok(Exit::Ok)
}

pub(crate) async fn trace(global: &GlobalArgs, args: &TraceArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let view = output
        .while_waiting("following the event", host.get(&events::TRACE, &[&args.position.to_string()], &Nothing {}))
        .await?;
    output.view(&view, |view, style| show::trace::trace(view, args.verbose, style))?;
    Ok(Exit::Ok)
}

fn data(view: &EventView) -> Result<Vec<u8>, CliError> {
    match (&view.data, &view.data_base64) {
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, Some(text)) => STANDARD
            .decode(text)
            .map_err(|error| CliError::failed(format!("the host's answer holds data that is not base64: {error}"))),
        (None, None) => Ok(Vec::new()),
    }
}
