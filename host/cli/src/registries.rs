//! Finds the registry of a command: a name of the configuration, a URL or a folder. Needs no running host.

use std::path::Path;
use std::sync::Arc;

use handoff_package::reference::RegistryRef;
use handoff_registry_client::{Logins, Options, Registry};

use super::args::{GlobalArgs, RegistryArgs};
use super::exit::CliError;
use super::publisher;
use handoff_app::registry::{open, registry_error};
use handoff_config::{Config, RegistryConfig, registry_location};
use handoff_model::time::SystemClock;

/// Opens the selected registry.
pub(super) async fn registry(global: &GlobalArgs, args: &RegistryArgs) -> Result<Registry, CliError> {
    registry_with(global, args.registry.as_deref(), args.ca_file.as_deref(), publisher::logins()?).await
}

/// Opens the selected registry with the given logins.
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
    let config = config(global, wanted)?;
    let (_, registry) = named(&config, wanted)?;
    let secrets = config.secrets(Arc::new(SystemClock)).map_err(|error| CliError::invalid(error.to_string()))?;
    Ok(open::open(&config, registry, &secrets, logins).await?)
}

/// Resolves a name, URL or path to the location of a registry.
pub(super) fn reference(global: &GlobalArgs, wanted: &str) -> Result<RegistryRef, CliError> {
    if is_place(wanted) {
        return place(wanted);
    }
    let config = config(global, Some(wanted))?;
    Ok(named(&config, Some(wanted))?.1.location.clone())
}

/// Whether the text is a URL or a path, not a name.
fn is_place(text: &str) -> bool {
    text.contains('/') || text.starts_with('.')
}

fn place(text: &str) -> Result<RegistryRef, CliError> {
    let here = std::env::current_dir().map_err(|error| CliError::failed(format!("no current folder: {error}")))?;
    registry_location(text, &here).map_err(|(found, expected, advice)| {
        CliError::invalid(format!("--registry: found {found}, expected {expected}")).hint(advice)
    })
}

fn config(global: &GlobalArgs, wanted: Option<&str>) -> Result<Config, CliError> {
    if let Some(error) = wanted.and_then(no_name) {
        return Err(error);
    }
    if !global.config.exists() {
        let path = global.config.display();
        let what = match wanted {
            Some(name) => format!("no registry is named `{name}`: there is no configuration {path}"),
            None => format!("which registry? There is no configuration {path} that names one"),
        };
        return Err(CliError::usage(what).hint(meant(wanted)));
    }
    Config::load(&global.config).map_err(|errors| super::commands::check::invalid(&errors))
}

fn named<'c>(config: &'c Config, wanted: Option<&str>) -> Result<(&'c str, &'c RegistryConfig), CliError> {
    open::named(config, wanted).map_err(|error| CliError::invalid(error.to_string()).hint(meant(wanted)))
}

/// The error for text that cannot be the name of a registry, usually an address without its scheme, as other tools
/// accept it. The scheme is not guessed, because a password must not go to the wrong server.
fn no_name(text: &str) -> Option<CliError> {
    if !text.contains([':', '.']) {
        return None;
    }
    let host = text.split(':').next().unwrap_or_default();
    let scheme = if host == "localhost" || host.starts_with("127.") { "http" } else { "https" };
    let error = format!("`{text}` is no registry: neither a name of `[registries.NAME]`, nor a URL, nor a folder");
    let folder = if Path::new(text).is_dir() { format!("; for the folder, ./{text}") } else { String::new() };
    Some(CliError::usage(error).hint(format!("write its scheme too: {scheme}://{text}{folder}")))
}

/// Suggests what to write instead of an unknown name.
fn meant(wanted: Option<&str>) -> String {
    match wanted.filter(|name| Path::new(name).is_dir()) {
        Some(folder) => format!("for the folder of that name write ./{folder}"),
        None => "name the configuration with --config, or the registry by its URL or its folder: https://…, ./packages"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_its_scheme_is_told_from_a_name() {
        for (text, advice) in [
            ("localhost:7452", Some("http://localhost:7452")),
            ("127.0.0.1:7452", Some("http://127.0.0.1:7452")),
            ("registry.example.com", Some("https://registry.example.com")),
            ("main", None),
            ("main-street", None),
        ] {
            let hint = no_name(text).and_then(|error| error.hint);
            assert_eq!(hint.is_some(), advice.is_some(), "{text}");
            assert!(advice.is_none_or(|advice| hint.as_ref().is_some_and(|hint| hint.contains(advice))), "{hint:?}");
        }
    }

    #[test]
    fn a_folder_that_is_taken_for_a_name_is_told_how_to_be_written() {
        // Tests run in the folder of their package, which contains this one.
        assert!(meant(Some("src")).contains("./src"));
        assert!(meant(Some("no-such-folder")).contains("--config"));
    }
}
