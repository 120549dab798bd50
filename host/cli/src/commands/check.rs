//! `check`: validates the configuration and settings files. Needs no host and changes nothing.

use std::path::PathBuf;

use serde::Serialize;

use crate::args::{CheckArgs, ExampleArg, GlobalArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone};
use handoff_config::{Config, ConfigErrors, Settings, example, example_settings};
use handoff_control::problem::FieldProblem;

/// The valid files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    files: Vec<PathBuf>,
    rooftops: usize,
}

pub(crate) fn run(global: &GlobalArgs, args: &CheckArgs, output: &mut Output) -> Result<Exit, CliError> {
    if let Some(example_of) = args.example {
        match example_of {
            ExampleArg::Host => output.text(&example())?,
            ExampleArg::Settings => output.text(example_settings())?,
        }
        return Ok(Exit::Ok);
    }
    // Every file is checked before the command fails, so that one run shows all problems.
    let config = Config::load(&global.config);
    let mut problems = Vec::new();
    for path in &args.settings {
        let settings = Settings::load(path, None).and_then(|settings| match &config {
            Ok(config) => settings.check_references(config),
            Err(_) => Ok(()),
        });
        problems.extend(settings.err().into_iter().flat_map(|errors| errors.problems));
    }
    let rooftops = match config {
        Ok(config) => config.rooftops.len(),
        Err(errors) => {
            problems.splice(0..0, errors.problems);
            0
        }
    };
    if !problems.is_empty() {
        return Err(invalid(&ConfigErrors { problems }));
    }
    let files = std::iter::once(&global.config).chain(&args.settings).cloned().collect();
    output.view(&Checked { files, rooftops }, show)?;
    Ok(Exit::Ok)
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
    checked.files.iter().map(|file| format!("{} {}\n", style.paint(Tone::Good, "✔"), file.display())).collect()
}
