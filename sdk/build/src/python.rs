//! Builds Python: finds the interpreter with the SDK, then runs the build that the package `handoff-sdk` contains.

use crate::BuildError;
use crate::language::{check_version, component_of, on_path, read};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The parts of pyproject.toml that matter.
#[derive(Deserialize)]
struct PyProject {
    project: Option<Project>,
    tool: Option<Tools>,
}

#[derive(Deserialize)]
struct Project {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Tools {
    handoff: Option<Settings>,
}

#[derive(Deserialize)]
struct Settings {
    connector: Option<String>,
}

/// The component of a folder with a pyproject.toml.
pub(crate) fn component(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<Vec<u8>, BuildError> {
    let path = folder.join("pyproject.toml");
    let text = read(&path)?;
    let wrong = |problem: String| BuildError::ProjectFile { path: path.clone(), problem };
    let found: PyProject = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
    let version = found.project.and_then(|project| project.version);
    check_version(folder, &path, version.as_deref())?;
    let connector = found.tool.and_then(|tool| tool.handoff).and_then(|settings| settings.connector);
    let connector = connector.ok_or_else(|| {
        wrong(
            "field `tool.handoff.connector`: it is missing; expected module and class, such as `lead_router:LeadRouter`"
                .to_owned(),
        )
    })?;
    let python = interpreter(folder)?;
    progress(&format!("Building with {}", python.display()));
    let mut command = Command::new(python);
    command.args(["-m", "handoff_sdk.build"]).arg(folder).arg(connector);
    component_of(command, progress)
}

/// The interpreter of the project's environment, of the active one, or of the system: the first that exists must have the
/// SDK.
fn interpreter(folder: &Path) -> Result<PathBuf, BuildError> {
    let own = folder.join(".venv/bin/python");
    let active = std::env::var_os("VIRTUAL_ENV").map(|folder| PathBuf::from(folder).join("bin/python"));
    let python = [Some(own.clone()), active].into_iter().flatten().find(|file| file.is_file());
    let python = python.or_else(|| on_path("python3")).ok_or_else(|| BuildError::MissingTool {
        tool: "Python 3.10 or newer",
        command: "sudo apt-get install python3 python3-venv".to_owned(),
    })?;
    let mut check = Command::new(&python);
    check.args(["-c", "import handoff_sdk.build, componentize_py"]);
    let status = check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) {
        return Ok(python);
    }
    // pip looks for the files that requirements.txt names in the folder in which it runs.
    let what = if folder.join("requirements.txt").is_file() { "-r requirements.txt" } else { "handoff-sdk" };
    let install = format!(".venv/bin/python -m pip install {what}");
    let command = if own.is_file() { install } else { format!("python3 -m venv .venv && {install}") };
    let is_here = folder.as_os_str().is_empty() || folder == Path::new(".");
    let command = if is_here { command } else { format!("cd {} && {command}", folder.display()) };
    Err(BuildError::MissingTool { tool: "the Python package handoff-sdk", command })
}
