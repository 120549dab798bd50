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
        if args.cloudevents {
            output.text(&(cloud_event(&view) + "\n"))?;
        } else if args.data {
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
    if !args.cloudevents {
        output.view(&view, show::event::list)?;
        return Ok(Exit::Ok);
    }
    for summary in view.events.iter().rev() {
        let event = host.get(&events::SHOW, &[&summary.position.to_string()], &Nothing {}).await?;
        output.text(&(cloud_event(&event) + "\n"))?;
    }
    Ok(Exit::Ok)
}

/// The event in the JSON format of CloudEvents. Data that is JSON is passed on byte for byte.
fn cloud_event(view: &EventView) -> String {
    let summary = &view.summary;
    let mut event = serde_json::json!({
        "specversion": "1.0", "id": summary.id, "source": summary.source, "type": summary.type_name,
    });
    let optional = [
        ("subject", summary.subject.clone()),
        ("time", view.time.map(|time| time.to_string())),
        ("datacontenttype", view.data_content_type.clone()),
        ("dataschema", view.data_schema.clone()),
    ];
    // The host counts hops itself.
    let extensions = view.extensions.iter().filter(|(name, _)| !name.starts_with("handoff"));
    let extensions = extensions.map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(extensions) {
        event[name] = value.into();
    }
    let is_json = view.data_content_type.as_deref().is_none_or(|media_type| media_type.contains("json"));
    let is_document = |text: &&String| is_json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match (&view.data, &view.data_base64) {
        (Some(text), _) if text.is_empty() => {}
        (Some(text), _) => match Some(text).filter(is_document) {
            Some(json) => {
                return format!("{},\"data\":{json}}}", event.to_string().trim_end_matches('}'))
                    .replace(['\n', '\r'], " ");
            }
            None => event["data_base64"] = STANDARD.encode(text).into(),
        },
        (None, Some(text)) => event["data_base64"] = text.as_str().into(),
        (None, None) => {}
    }
    event.to_string()
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
