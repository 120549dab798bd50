//! `registry request-namespace`, `namespaces`, `bind`, `unbind`, `decline`: the publisher asks, the administrator decides
//! at the server's host. The registry crate does the work.

use std::path::Path;

use handoff_app::registry::registry_error;
use handoff_model::time::{Clock as _, SystemClock};
use handoff_registry_client::NamespaceState;
use handoff_registry_server::{NamespaceError, NamespaceReport, NamespacesView};
use serde::Serialize;

use super::of_storage;
use crate::args::{GlobalArgs, RegistryBindArgs, RegistryDecideArgs, RequestNamespaceArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean};
use crate::{publisher, registries};

/// The result of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestReport {
    publisher: String,
    registry: String,
    key_id: String,
    /// `requested` or `bound`.
    state: &'static str,
}

pub(super) fn request(global: &GlobalArgs, args: &RequestNamespaceArgs, output: &mut Output) -> Result<Exit, CliError> {
    let key = publisher::key(&publisher::key_path(args.key.key.as_deref())?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("cannot start: {error}")))?;
    let (registry, state) = runtime.block_on(async {
        let registry = registries::registry(global, &args.registry).await?;
        let asked = registry.request_namespace(&args.publisher, args.contact.trim(), &key, SystemClock.now().0);
        let state = output.while_waiting("asking the registry", asked).await.map_err(registry_error)?;
        Ok::<_, CliError>((registry.name(), state))
    })?;
    let report = RequestReport {
        publisher: args.publisher.to_string(),
        registry,
        key_id: key.public().id().to_string(),
        state: if state == NamespaceState::Bound { "bound" } else { "requested" },
    };
    output.view(&report, |report, style| {
        if report.state == "bound" {
            return format!("{} {} at {} to your key\n", style.paint(Tone::Good, "bound"), clean(&report.publisher), clean(&report.registry));
        }
        format!(
            "{} {} at {}; it waits for the registry's administrator\n  your key's id  {}\n  tell it the administrator another way, too\n",
            style.paint(Tone::Good, "requested"),
            clean(&report.publisher),
            clean(&report.registry),
            report.key_id,
        )
    })?;
    Ok(Exit::Ok)
}

pub(super) fn list(data: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let view = handoff_registry_server::list_namespaces(data).map_err(refused)?;
    output.view(&view, show_list)?;
    Ok(Exit::Ok)
}

fn show_list(view: &NamespacesView, style: &Style) -> String {
    let mut text = String::new();
    for request in &view.requests {
        text.push_str(&format!(
            "{} {}  {}\n    from {}, contact: {}\n",
            style.paint(Tone::Careful, "waits"),
            request.publisher,
            request.key.id(),
            request.sender,
            clean(&request.contact),
        ));
    }
    for binding in &view.bound {
        let keys =
            if binding.keys.is_empty() { "reserved, without a key".to_owned() } else { binding.keys.join("\n       ") };
        text.push_str(&format!("{} {}  {keys}\n", style.paint(Tone::Good, "bound"), clean(&binding.publisher)));
    }
    if text.is_empty() { "no request waits, and no namespace is bound\n".to_owned() } else { text }
}

pub(super) fn bind(args: &RegistryBindArgs, output: &mut Output) -> Result<Exit, CliError> {
    let given = args.public_key.as_deref().map(publisher::public_key).transpose()?;
    let done = handoff_registry_server::bind_namespace(&args.data, &args.publisher, &args.key_id, given, &args.reason);
    decided(done, output)
}

pub(super) fn unbind(args: &RegistryDecideArgs, output: &mut Output) -> Result<Exit, CliError> {
    let done = handoff_registry_server::unbind_namespace(&args.data, &args.publisher, &args.key_id, &args.reason);
    decided(done, output)
}

pub(super) fn decline(args: &RegistryDecideArgs, output: &mut Output) -> Result<Exit, CliError> {
    let done = handoff_registry_server::decline_namespace(&args.data, &args.publisher, &args.key_id, &args.reason);
    decided(done, output)
}

fn decided(done: Result<NamespaceReport, NamespaceError>, output: &mut Output) -> Result<Exit, CliError> {
    output.view(&done.map_err(refused)?, |report, style| {
        let keys = match report.keys {
            0 if report.action == "unbound" => "; the name stays reserved, and nobody publishes there".to_owned(),
            1 => "; 1 key may sign".to_owned(),
            number => format!("; {number} keys may sign"),
        };
        let done = style.paint(Tone::Good, report.action);
        format!("{done} {} {}{keys}; recorded in audit.jsonl\n", clean(&report.publisher), report.key_id)
    })?;
    Ok(Exit::Ok)
}

fn refused(error: NamespaceError) -> CliError {
    match error {
        NamespaceError::Storage(error) => of_storage(error),
        NamespaceError::NoKey { .. } => {
            CliError::new(Exit::NotFound, "not-found", "There is no such thing", error.to_string())
        }
        NamespaceError::Io { .. } => super::failed(error),
        NamespaceError::Name(_) | NamespaceError::TooMany(_) | NamespaceError::Reason => {
            CliError::usage(error.to_string())
        }
    }
}
