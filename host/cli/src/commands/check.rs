//! `check`: validates the configuration and settings files, and reads the secrets that they name. Needs no host and
//! changes nothing.

use std::path::{Path, PathBuf};

use serde::Serialize;

use handoff_app::secrets::{SecretCheck, UnusableSecret};

use crate::args::{CheckArgs, ExampleArg, GlobalArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone};
use handoff_config::{
    Asks, Config, ConfigErrors, Location, Problem, Settings, example, example_manifest, example_settings,
    missing_grants, resolve_grants,
};
use handoff_control::problem::FieldProblem;
use handoff_package::package::Package;

/// Maximum size of a package in bytes, as for a host without other limits.
const PACKAGE_BYTES_MAX: usize = 64 << 20;

/// The valid files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    files: Vec<PathBuf>,
    rooftops: usize,
    /// Requests of the package that the settings do not grant, each with what to add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_grants: Vec<String>,
    /// False if the secrets were not read.
    secrets_read: bool,
}

pub(crate) async fn run(global: &GlobalArgs, args: &CheckArgs, output: &mut Output) -> Result<Exit, CliError> {
    if let Some(example_of) = args.example {
        match example_of {
            ExampleArg::Host => output.text(&example())?,
            ExampleArg::Settings => output.text(example_settings())?,
            ExampleArg::Manifest => output.text(example_manifest())?,
        }
        return Ok(Exit::Ok);
    }
    // Every file is checked before the command fails, so that one run shows all problems.
    let config = Config::load(&global.config);
    let reads_secrets = !args.without_secrets;
    let secrets = match &config {
        Ok(config) if reads_secrets => Some(SecretCheck::new(config)?),
        _ => None,
    };
    let asks = args.package.as_deref().map(asks).transpose()?;
    let (mut problems, mut missing) = (Vec::new(), Vec::new());
    if let (Ok(config), Some(secrets)) = (&config, &secrets) {
        let unusable = secrets.config().await;
        problems.extend(unusable.iter().map(|one| unusable_secret(one, config, &global.config)));
    }
    for path in &args.settings {
        match Settings::load(path, None) {
            Ok(settings) => {
                if let Ok(config) = &config {
                    let unusable = references(&settings, config, secrets.as_ref(), &global.config).await;
                    problems.extend(unusable);
                }
                if let Some(asks) = &asks {
                    problems.extend(resolve_grants(&settings, asks).err().unwrap_or_default());
                    missing.extend(missing_grants(&settings, asks));
                }
            }
            Err(errors) => problems.extend(errors.problems),
        }
    }
    let rooftops = match config {
        Ok(config) => config.rooftops.len(),
        Err(errors) => {
            problems.splice(0..0, errors.problems);
            0
        }
    };
    if !problems.is_empty() {
        // The same secret may be wrong for several uses.
        problems.dedup();
        return Err(invalid(&ConfigErrors { problems }));
    }
    let files = std::iter::once(&global.config).chain(&args.settings).cloned().collect();
    output.view(&Checked { files, rooftops, missing_grants: missing, secrets_read: reads_secrets }, show)?;
    Ok(Exit::Ok)
}

/// What the manifest of a package requests.
fn asks(path: &Path) -> Result<Asks, CliError> {
    let fail = |reason: String| CliError::invalid(format!("{}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    let package = Package::read_bounded(&bytes, PACKAGE_BYTES_MAX).map_err(|error| fail(error.to_string()))?;
    Ok(Asks::from(&package.manifest))
}

/// Problems of what settings refer to: names, the secrets of webhooks, key files.
async fn references(
    settings: &Settings,
    config: &Config,
    secrets: Option<&SecretCheck<'_>>,
    file: &Path,
) -> Vec<Problem> {
    if let Err(errors) = settings.check_references(config) {
        return errors.problems;
    }
    let Some(secrets) = secrets else { return Vec::new() };
    let unusable = secrets.settings(settings).await;
    let problem = |one: &UnusableSecret| match settings.hook_location().filter(|_| one.name.is_none()) {
        Some(location) => problem_at(location.clone(), one),
        None => unusable_secret(one, config, file),
    };
    unusable.iter().map(problem).collect()
}

/// The problem at the definition of the secret.
fn unusable_secret(unusable: &UnusableSecret, config: &Config, file: &Path) -> Problem {
    let location = unusable.name.as_ref().and_then(|name| config.secret_location(name)).cloned();
    let whole = || Location { file: file.display().to_string(), line: 1, column: 1, ..Location::default() };
    problem_at(location.unwrap_or_else(whole), unusable)
}

fn problem_at(location: Location, unusable: &UnusableSecret) -> Problem {
    Problem {
        location,
        found: unusable.problem.clone(),
        expected: format!("what {} can use", unusable.used_by),
        advice: "correct the secret, or check as the user and with the environment of the host; `--without-secrets` \
                 reads none"
            .to_owned(),
    }
}

/// Converts the problems of a file: as text with their lines, as JSON with their fields.
pub(crate) fn invalid(errors: &ConfigErrors) -> CliError {
    let mut error = CliError::invalid(errors.to_string());
    error.problem.problems = errors
        .problems
        .iter()
        .map(|problem| FieldProblem {
            field: Some(format!("{}:{}: {}", problem.location.file, problem.location.line, problem.location.field)),
            detail: format!("found {}, expected {}; {}", problem.found, problem.expected, problem.advice),
        })
        .collect();
    error.told = true;
    error
}

fn show(checked: &Checked, style: &Style) -> String {
    let files = checked.files.iter().map(|file| format!("{} {}\n", style.paint(Tone::Good, "✔"), file.display()));
    let mut text: String = files.collect();
    for missing in &checked.missing_grants {
        text.push_str(&format!("{} {}\n", style.paint(Tone::Careful, "!"), crate::style::clean(missing)));
    }
    text
}
