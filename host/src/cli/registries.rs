//! Finds the registry that a command means: a name of the configuration, a URL or a folder. Needs no running host.

use std::path::Path;
use std::sync::Arc;

use handoff_registry::client::{Logins, Options, Registry, RegistryRef};

use super::args::{GlobalArgs, RegistryArgs};
use super::exit::CliError;
use super::publisher;
use crate::app::registry::{open, registry_error};
use crate::config::{Config, RegistryConfig, registry_place};
use crate::model::time::SystemClock;

/// The registry that the options mean, ready to be asked.
pub(super) async fn registry(global: &GlobalArgs, args: &RegistryArgs) -> Result<Registry, CliError> {
    registry_with(global, args.registry.as_deref(), args.ca_file.as_deref(), publisher::logins()?).await
}

/// The same with logins of the caller's choice.
pub(super) async fn registry_with(
    global: &GlobalArgs,
    wanted: Option<&str>,
    ca_file: Option<&Path>,
    logins: Logins,
) -> Result<Registry, CliError> {
    if let Some(text) = wanted.filter(|text| is_place(text)) {
        let options =
            Options { logins, extra_ca_files: ca_file.map(Path::to_owned).into_iter().collect(), ..Options::default() };
        return Ok(Registry::open(&place(text)?, &options).map_err(registry_error)?);
    }
    if ca_file.is_some() {
        return Err(CliError::usage(
            "--ca-file goes with the URL of a registry; a name has its `ca-file` in handoff.toml",
        ));
    }
    let config = config(global)?;
    let (_, registry) = named(&config, wanted)?;
    let secrets = config.secrets(Arc::new(SystemClock)).map_err(|error| CliError::invalid(error.to_string()))?;
    Ok(open::open(&config, registry, &secrets, logins).await?)
}

/// Where a registry is that is named or written out.
pub(super) fn reference(global: &GlobalArgs, wanted: &str) -> Result<RegistryRef, CliError> {
    if is_place(wanted) {
        return place(wanted);
    }
    let config = config(global)?;
    Ok(named(&config, Some(wanted))?.1.place.clone())
}

/// A URL or a path, and no name.
fn is_place(text: &str) -> bool {
    text.contains('/') || text.starts_with('.')
}

fn place(text: &str) -> Result<RegistryRef, CliError> {
    let here = std::env::current_dir().map_err(|error| CliError::failed(format!("no current folder: {error}")))?;
    registry_place(text, &here).map_err(|(found, expected, advice)| {
        CliError::invalid(format!("--registry: found {found}, expected {expected}")).hint(advice)
    })
}

fn config(global: &GlobalArgs) -> Result<Config, CliError> {
    if !global.config.exists() {
        let path = global.config.display();
        return Err(CliError::usage(format!("which registry? There is no configuration {path} that names one"))
            .hint("name it with --registry URL or --registry FOLDER, or the configuration with --config"));
    }
    Config::load(&global.config).map_err(|errors| super::commands::check::invalid(&errors))
}

fn named<'c>(config: &'c Config, wanted: Option<&str>) -> Result<(&'c str, &'c RegistryConfig), CliError> {
    open::named(config, wanted).map_err(|error| {
        CliError::invalid(error.to_string())
            .hint("a URL or a folder is taken too: --registry https://…, --registry ./packages")
    })
}
