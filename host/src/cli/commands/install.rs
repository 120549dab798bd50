//! `install`: the first generation of an installation, or its next. Looks first, asks, then does.

use std::path::Path;

use bytes::Bytes;

use crate::api::client::Client;
use crate::app::views::install::{Granted, InstallReport, InstallRequest};
use crate::cli::args::{GlobalArgs, InstallArgs};
use crate::cli::commands::check;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::{ask, connection, show};
use crate::config::Settings;

/// No component that the host takes is larger, whatever its limits.
const COMPONENT_BYTES_MAX: u64 = 256 << 20;

pub(in crate::cli) async fn run(
    global: &GlobalArgs,
    args: &InstallArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let (settings, settings_folder) = settings(&args.settings)?;
    let client = connection::client(global)?;
    let digest = digest(args, &client, output).await?;
    let mut request = InstallRequest {
        name: args.name.clone(),
        digest,
        settings,
        settings_folder,
        by: ask::who(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
        dry_run: true,
        force: args.force,
    };
    let plan = output.while_waiting("checking", client.install(&request)).await?;
    if args.dry_run {
        output.view(&plan, show::install::report)?;
        return if plan.validation.passed { Ok(Exit::Ok) } else { Err(refused(&plan)) };
    }
    if !output.json {
        output.text(&show::install::report(&plan, &output.style))?;
    }
    if !plan.validation.passed {
        return Err(refused(&plan));
    }
    if needs_yes(&plan) && !args.yes && !ask::agrees(output, &question(&plan), "--yes")? {
        return Err(CliError::needs_approval("nothing was changed"));
    }
    request.dry_run = false;
    let report = output.while_waiting("installing", client.install(&request)).await?;
    output.view(&report, show::install::done)?;
    Ok(Exit::Ok)
}

/// What the settings file does not name is new to the person who wrote it, unless the generation before had it.
fn needs_yes(plan: &InstallReport) -> bool {
    plan.asks.iter().any(|ask| ask.granted == Granted::ByDefault && !ask.had_before)
}

fn question(plan: &InstallReport) -> String {
    format!("Let {} do this as {}?", crate::cli::style::clean(&plan.title), plan.name)
}

fn refused(plan: &InstallReport) -> CliError {
    let why = plan.validation.failure.as_ref().map_or("it does not say why", |failure| failure.message.as_str());
    CliError::invalid(format!("{} {} refuses its config: {why}", plan.package, plan.version))
        .hint("mend [config] in the settings file; nothing was changed")
}

/// The digest of a package that the host has, by now.
async fn digest(args: &InstallArgs, client: &Client, output: &Output) -> Result<String, CliError> {
    match (&args.package, &args.digest) {
        (Some(path), _) => {
            let component = component(path)?;
            Ok(output.while_waiting("sending the package", client.put_package(component)).await?.digest)
        }
        (None, Some(digest)) => checked_digest(digest),
        (None, None) => Err(CliError::usage("name the package's file, or --digest of one that the host has")),
    }
}

/// A digest as the host writes it.
pub(super) fn checked_digest(digest: &str) -> Result<String, CliError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(CliError::usage(format!("`{digest}` is not a digest: expected sha256: and 64 hexadecimal digits")));
    }
    Ok(format!("sha256:{hex}"))
}

pub(super) fn component(path: &Path) -> Result<Bytes, CliError> {
    let fail = |reason: &dyn std::fmt::Display| {
        CliError::invalid(format!("cannot read the package {}: {reason}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if size > COMPONENT_BYTES_MAX {
        return Err(fail(&format!("{size} bytes; expected at most {COMPONENT_BYTES_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(&error))?;
    // Magic, version 13 and layer 1 of a component (component model, binary format).
    if !bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        return Err(fail(&"it is no WebAssembly component").hint("`handoff build` makes one from a connector's folder"));
    }
    Ok(bytes.into())
}

/// The settings file as JSON, and the folder from which relative paths in it count. Checked here first, because only here
/// are the file's lines to point at.
pub(super) fn settings(path: &Path) -> Result<(serde_json::Value, Option<String>), CliError> {
    let text = connection::read(path, "the settings file")?;
    Settings::load(path).map_err(|errors| check::invalid(&errors))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| CliError::invalid(format!("{}: {error}", path.display())))?;
    let folder = std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.to_str()?.to_owned()));
    Ok((json(toml::Value::Table(table)), folder))
}

/// TOML as JSON: dates become texts, as everywhere in a connector's config. What JSON cannot hold becomes null; the check
/// before has refused it.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}
