//! `new`: creates a project for a connector. The templates crate writes it; this module shows it.

use std::path::PathBuf;
use std::str::FromStr as _;

use handoff_package::manifest::PackageName;
use handoff_templates::{Language, TemplateError, create, languages};
use serde::Serialize;

use crate::args::NewArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean};

/// The publisher of a name without one.
const PUBLISHER: &str = "example";

/// A new project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewReport {
    package: String,
    folder: PathBuf,
    language: String,
    template: String,
    files: Vec<String>,
}

pub(crate) fn run(args: &NewArgs, output: &mut Output) -> Result<Exit, CliError> {
    let Some(name) = args.name.as_ref().filter(|_| !args.list) else {
        output.view(&languages(), |languages, _| {
            languages
                .iter()
                .map(|(language, templates)| {
                    let templates: Vec<&str> = templates.iter().copied().collect();
                    format!("{language}: {}\n", templates.join(", "))
                })
                .collect()
        })?;
        return Ok(Exit::Ok);
    };
    let full = if name.contains('/') { name.clone() } else { format!("{PUBLISHER}/{name}") };
    let package = PackageName::from_str(&full).map_err(|error| CliError::usage(error.to_string()))?;
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from(package.name()));
    let files = create(&folder, &package, &args.lang, &args.template).map_err(|error| match error {
        TemplateError::Unknown { .. } => CliError::usage(error.to_string()),
        TemplateError::NotEmpty(_) => {
            CliError::new(Exit::Refused, "not-empty", "The folder is not empty", error.to_string())
        }
        TemplateError::Write { .. } => CliError::failed(error.to_string()),
    })?;
    let report =
        NewReport { package: full, folder, language: args.lang.clone(), template: args.template.clone(), files };
    output.view(&report, show)?;
    Ok(Exit::Ok)
}

fn show(report: &NewReport, style: &Style) -> String {
    let folder = report.folder.display().to_string();
    let mut text = format!("{} {} in {}\n", style.paint(Tone::Good, "created"), clean(&report.package), clean(&folder));
    report.files.iter().for_each(|file| text.push_str(&format!("  {}\n", clean(file))));
    let language = Language::named(&report.language);
    let mut next = vec![format!("cd {}", clean(&folder))];
    next.extend(language.into_iter().flat_map(Language::installs).map(|command| (*command).to_owned()));
    next.push("handoff test".to_owned());
    text.push_str(&format!("  next: {}\n", next.join(" && ")));
    text
}
