//! `send` and `hook send`: send an event, or a webhook that the host signs.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

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
const BYTES_MAX: u64 = 16 << 20;

pub(crate) async fn event(global: &GlobalArgs, args: &SendArgs, output: &mut Output) -> Result<Exit, CliError> {
    let bytes = read(&args.file)?;
    let event = match &args.type_name {
        None => String::from_utf8(bytes).map_err(|_| CliError::invalid("the event is not UTF-8: expected JSON"))?,
        Some(type_name) => of_data(type_name, &bytes, args)?,
    };
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
