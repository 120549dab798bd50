//! Commands for developers of connectors. They need no running host.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Options of `new`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Writes manifest, config schema, one handler, a test case, example settings, editor settings, and the SDK beside them: only dependencies of third parties come from a registry.

Examples:
  handoff new acme/order-intake --template webhook
  handoff new acme/order-intake --lang ts
  handoff new acme/appointments --lang python --template poll --out connectors/appointments
  handoff new --list"
)]
pub(crate) struct NewArgs {
    /// The package's name: PUBLISHER/NAME, or NAME for the publisher `example`.
    #[arg(value_name = "[PUBLISHER/]NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// What the connector starts from: webhook, poll, file or event.
    #[arg(long, short = 't', value_name = "TEMPLATE", default_value = "webhook")]
    pub template: String,
    /// The language: rust, js (JavaScript), ts (TypeScript) or python.
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub lang: String,
    /// The new folder. Default: NAME.
    #[arg(long, short = 'o', value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// List languages and templates.
    #[arg(long, conflicts_with_all = ["name", "out"])]
    pub list: bool,
}

/// Options of `dev`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Builds the connector and installs it on a host in a temporary folder, with settings.toml of the folder: hosts of targets become a built-in echo, which answers every request with 200 and the request, and secrets become values of its own. Each change of the connector is built and swapped in while events go on. Deliveries are shown with their logs and effects. Everything is gone when the command ends.

While it runs, type a line and Enter:
  t +1d                    move the clock: +90s, +30m, +8h, +1d; timers and schedules fire
  send FILE TYPE           send an event with this data
  hook FILE                send a webhook, signed as its sender would sign it
  q                        end

Examples:
  handoff dev
  handoff dev connectors/order-intake --record
  handoff dev --target parts-desk=http://127.0.0.1:9000"
)]
pub(crate) struct DevArgs {
    /// The connector's folder, which contains connector.toml.
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// The settings file. Default: settings.toml of the folder.
    #[arg(long, short = 's', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings: Option<PathBuf>,
    /// Send requests to this target to a URL instead of the echo. Can be given several times.
    #[arg(long = "target", value_name = "NAME=URL", value_parser = target)]
    pub targets: Vec<(String, url::Url)>,
    /// Keep each delivery as a case in `cases`, as it is: `handoff mask` makes a copy to pass on.
    #[arg(long)]
    pub record: bool,
    /// Use no network, only dependencies that were fetched before.
    #[arg(long)]
    pub offline: bool,
}

/// A target and the URL that replaces its own.
pub(super) fn target(text: &str) -> Result<(String, url::Url), String> {
    let expected = || "expected NAME=URL, such as crm=http://127.0.0.1:9000".to_owned();
    let (name, url) = text.split_once('=').ok_or_else(expected)?;
    let url: url::Url = url.parse().map_err(|_| expected())?;
    let is_origin = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if is_origin && url.has_host() {
        Ok((name.to_owned(), url))
    } else {
        Err(format!("{}, without a path", expected()))
    }
}

/// Options of `pack`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "For a component that `handoff build` did not build: from the contract alone, in any language. It may import interfaces of `handoff:connector` only, and exports its world. It is compiled once, as a host would.

Examples:
  handoff pack leads.wasm
  handoff pack target/leads.wasm --manifest leads/connector.toml --out dist"
)]
pub(crate) struct PackArgs {
    /// The component.
    #[arg(value_name = "COMPONENT", value_hint = ValueHint::FilePath)]
    pub component: PathBuf,
    /// The manifest.
    #[arg(long, short = 'm', value_name = "FILE", default_value = "connector.toml", value_hint = ValueHint::FilePath)]
    pub manifest: PathBuf,
    /// The output folder.
    #[arg(long, short = 'o', value_name = "FOLDER", default_value = ".", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// Options of `test`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A case is a folder `cases/NAME` with `case.json` (config, state, events, answers to look-ups, clock and seed) and `expected.json` (what each delivery commits, or how it fails). Each case runs on the built component, as in a host: what the manifest does not ask for is refused, and state of an older schema is migrated first. Nothing is sent.

Ends with 1 if a case differs from what it expects.

Examples:
  handoff test
  handoff test --accept
  handoff test connectors/web-leads --case late-lead --watch
  handoff test --component target/connectors/web-leads-1.0.0.wasm --junit cases.xml --json"
)]
pub(crate) struct TestArgs {
    /// The connector's folder, which contains connector.toml and `cases`.
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Run this case only. Can be given several times.
    #[arg(long = "case", value_name = "NAME")]
    pub cases: Vec<String>,
    /// Write what the connector does now as the expectation, and show what changes.
    #[arg(long)]
    pub accept: bool,
    /// Run again after each change of the connector or a case, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["json", "junit"])]
    pub watch: bool,
    /// Test this component instead of building the folder.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub component: Option<PathBuf>,
    /// Also write the results as JUnit XML.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Use no network, only dependencies that were fetched before.
    #[arg(long)]
    pub offline: bool,
}
