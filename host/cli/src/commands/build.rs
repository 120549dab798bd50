//! `build`: builds a connector's folder into a package. The build crate does the work; this module shows it.

use std::path::{Path, PathBuf};

use handoff_build::{BuildError, Built, Options};
use serde::Serialize;

use crate::args::BuildArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean, size};

/// A built package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuildReport {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) digest: String,
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
}

pub(crate) async fn run(args: &BuildArgs, output: &mut Output) -> Result<Exit, CliError> {
    let options = Options { output: args.out.clone(), offline: args.offline, ..Options::default() };
    let built = build(&args.folder, options, output).await?;
    output.view(&report(built), show)?;
    Ok(Exit::Ok)
}

/// Builds a connector's folder and shows the progress.
pub(super) async fn build(folder: &Path, options: Options, output: &Output) -> Result<Built, CliError> {
    let folder = folder.to_owned();
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel::<String>();
    let build = tokio::task::spawn_blocking(move || {
        // The receiver is gone only if the command was interrupted.
        handoff_build::build(&folder, &options, &mut |line| drop(said.send(line.to_owned())))
    });
    let work = async {
        while let Some(line) = heard.recv().await {
            output.note(&line);
        }
        build.await
    };
    let built = output.while_waiting("compiling", work).await.map_err(|error| CliError::failed(error.to_string()))?;
    built.map_err(|error| failed(&error))
}

fn report(built: Built) -> BuildReport {
    BuildReport {
        package: built.manifest.package.name.to_string(),
        version: built.manifest.package.version.to_string(),
        digest: built.digest.to_string(),
        path: built.component_path,
        size_bytes: u64::try_from(built.bytes.len()).unwrap_or(u64::MAX),
    }
}

pub(super) fn show(report: &BuildReport, style: &Style) -> String {
    let path = report.path.display();
    let name = report.package.rsplit('/').next().unwrap_or("NAME");
    format!(
        "{} {} {}: {}, {}\n  {}\n  next: handoff install {} {path} --settings FILE\n",
        style.paint(Tone::Good, "built"),
        clean(&report.package),
        clean(&report.version),
        size(report.size_bytes),
        style.paint(Tone::Faint, &report.digest),
        path,
        clean(name),
    )
}

/// Errors in the connector are for its developer to fix; all others mean that the build failed.
fn failed(error: &BuildError) -> CliError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    match error {
        BuildError::NoConnector(_)
        | BuildError::Manifest { .. }
        | BuildError::NoProject(_)
        | BuildError::ProjectFile { .. }
        | BuildError::VersionMismatch { .. }
        | BuildError::NotExported
        | BuildError::SameName(_) => CliError::invalid(text),
        _ => CliError::failed(text),
    }
}
