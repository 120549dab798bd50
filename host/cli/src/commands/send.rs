//! `send` and `hook send`: send an event, or a webhook that the host signs.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use serde_json::value::RawValue;

use crate::args::{GlobalArgs, HookAction, HookArgs, SendArgs, SendHookArgs};
use crate::ask;
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, count};
use handoff_control::events::send::{SEND, SendReport, SendRequest};
use handoff_control::hooks;
use handoff_control::hooks::SendHookRequest;

/// The source of an event whose source is not given.
const SOURCE: &str = "urn:handoff:send";
/// Largest file. What fits into a request of the control API is smaller, and the host says how much.
const BYTES_MAX: u64 = 64 << 20;
/// Most events of one file.
const EVENTS_MAX: usize = 10_000;

pub(crate) async fn event(global: &GlobalArgs, args: &SendArgs, output: &mut Output) -> Result<Exit, CliError> {
    let bytes = read(&args.file)?;
    let event = match &args.type_name {
        None => String::from_utf8(bytes).map_err(|_| CliError::invalid("the event is not UTF-8: expected JSON"))?,
        Some(type_name) => of_data(type_name, &bytes, args)?,
    };
    let several = if args.type_name.is_none() { several(&event)? } else { Vec::new() };
    if !several.is_empty() {
        return all(global, args, several, output).await;
    }
    let request = SendRequest {
        event,
        rooftop: args.rooftop.clone(),
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let host = Connection::open(global).await?;
    let report = output.while_waiting("sending", host.post(&SEND, &[], &request)).await?;
    output.view(&report, show)?;
    Ok(Exit::Ok)
}

/// The events of an array, or of lines; none if the text is one event, which the host reads as it is.
fn several(text: &str) -> Result<Vec<String>, CliError> {
    let is_array = text.trim_start().starts_with('[');
    let mut events: Vec<&RawValue> = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        // What is wrong with one event, the host says best.
        let Ok(value) = value else { return Ok(Vec::new()) };
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(items) if is_array => events.extend(items),
            _ => events.push(value),
        }
    }
    if events.len() > EVENTS_MAX {
        return Err(CliError::invalid(format!("{} events; expected at most {EVENTS_MAX} at a time", events.len())));
    }
    let is_one = events.len() < 2 && !is_array;
    Ok(if is_one { Vec::new() } else { events.into_iter().map(|event| event.get().to_owned()).collect() })
}

/// Sends events one after the other; the first that is refused ends it.
async fn all(global: &GlobalArgs, args: &SendArgs, events: Vec<String>, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let mut report = SentReport::default();
    for event in events {
        let (by, reason) = (ask::note(args.who.by.as_deref()), args.who.reason.clone());
        let request = SendRequest { event, rooftop: args.rooftop.clone(), by, reason };
        let sent = output.while_waiting("sending", host.post(&SEND, &[], &request)).await.map_err(|error| {
            let mut error = CliError::from(error);
            error.hint = Some(format!("{} events before it were sent", report.events.len()));
            error
        })?;
        report.events.push(sent);
    }
    output.view(&report, |report, style| {
        let known = report.events.iter().filter(|sent| sent.duplicate).count();
        let number = u64::try_from(report.events.len() - known).unwrap_or(u64::MAX);
        let known = if known == 0 { String::new() } else { format!(", {known} were there already") };
        format!("{} {}{known}\n", style.paint(Tone::Good, "accepted"), count(number, "event", "events"))
    })?;
    Ok(Exit::Ok)
}

/// The results of several events, in their order.
#[derive(Debug, Default, serde::Serialize)]
struct SentReport {
    events: Vec<SendReport>,
}

pub(crate) async fn hook(global: &GlobalArgs, args: &HookArgs, output: &mut Output) -> Result<Exit, CliError> {
    let HookAction::Send(SendHookArgs { name, file, content_type, id, who }) = &args.action;
    let request = SendHookRequest {
        body: STANDARD.encode(read(file)?),
        content_type: content_type.clone(),
        id: id.clone(),
        by: ask::note(who.by.as_deref()),
        reason: who.reason.clone(),
    };
    let host = Connection::open(global).await?;
    let report = output.while_waiting("sending", host.post(&hooks::SEND, &[name.as_str()], &request)).await?;
    output.view(&report, show)?;
    Ok(Exit::Ok)
}

/// The event of given data. JSON is passed on byte for byte.
fn of_data(type_name: &str, data: &[u8], args: &SendArgs) -> Result<String, CliError> {
    let content_type = args.content_type.as_deref().unwrap_or("application/json");
    let id = args.id.clone().unwrap_or_else(|| format!("sent-{:016x}", super::random()));
    let source = args.source.as_deref().unwrap_or(SOURCE);
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": source, "type": type_name, "datacontenttype": content_type,
    });
    if let Some(subject) = &args.subject {
        event["subject"] = subject.as_str().into();
    }
    if content_type != "application/json" {
        event["data_base64"] = STANDARD.encode(data).into();
        return Ok(event.to_string());
    }
    let text =
        std::str::from_utf8(data).ok().filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let not_json = "the data is not JSON: name its media type with --content-type";
    let text = text.ok_or_else(|| CliError::invalid(not_json))?;
    let head = event.to_string();
    Ok(format!("{},\"data\":{text}}}", head.trim_end_matches('}')))
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| CliError::invalid(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).map_err(failed)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        return Err(CliError::invalid(format!("{}: expected at most {BYTES_MAX} bytes", path.display())));
    }
    Ok(bytes)
}

fn show(report: &SendReport, style: &Style) -> String {
    let position = report.position;
    if report.duplicate {
        return format!(
            "{} as event #{position}: its source and id are known\n",
            style.paint(Tone::Careful, "there already")
        );
    }
    let recipients = match report.recipients {
        0 => "no installation accepts its type".to_owned(),
        number => format!("for {}", count(number.into(), "installation", "installations")),
    };
    let accepted = style.paint(Tone::Good, "accepted");
    format!("{accepted} as event #{position}, {recipients}\n  next: handoff trace {position}\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn data_that_is_json_is_passed_on_byte_for_byte() {
        let args = SendArgs {
            file: "-".into(),
            type_name: Some("a.b".to_owned()),
            content_type: None,
            id: Some("1".to_owned()),
            source: None,
            subject: None,
            rooftop: None,
            who: crate::args::WhoArgs { reason: None, by: None },
        };
        let event = of_data("a.b", b"{\"n\": 18446744073709551617}", &args).unwrap();
        assert!(event.ends_with(",\"data\":{\"n\": 18446744073709551617}}"), "{event}");
        assert!(of_data("a.b", b"<xml/>", &args).is_err());
        let xml = SendArgs { content_type: Some("application/xml".to_owned()), ..args };
        assert!(of_data("a.b", b"<xml/>", &xml).unwrap().contains("\"data_base64\":\"PHhtbC8+\""));
    }
}
