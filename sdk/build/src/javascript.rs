//! Builds JavaScript and TypeScript: checks types, then runs the build that the npm package `handoff-sdk` contains.

use crate::BuildError;
use crate::language::{check_version, component_of, on_path, read};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of package.json that matter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    version: Option<String>,
    main: Option<String>,
    #[serde(default)]
    dependencies: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    dev_dependencies: serde_json::Map<String, serde_json::Value>,
}

/// The name of the SDK at npm.
const SDK: &str = "handoff-sdk";

/// The component of a folder with a package.json.
pub(crate) fn component(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<Vec<u8>, BuildError> {
    let path = folder.join("package.json");
    let text = read(&path)?;
    let wrong = |problem: String| BuildError::ProjectFile { path: path.clone(), problem };
    let project: Project = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    check_version(folder, &path, project.version.as_deref())?;
    let main = project.main.as_deref();
    let main = main.ok_or_else(|| {
        wrong("field `main`: it is missing; expected the connector's main module, such as `src/main.js`".to_owned())
    })?;
    if !folder.join(main).is_file() {
        return Err(wrong(format!("field `main`: there is no file `{main}`")));
    }
    let node = on_path("node").ok_or_else(|| BuildError::MissingTool {
        tool: "Node.js 20 or newer, which builds JavaScript,",
        command: "sudo apt-get install nodejs npm".to_owned(),
    })?;
    let build = package(folder, SDK, "build/build.js").ok_or_else(|| BuildError::MissingTool {
        tool: "the npm package handoff-sdk",
        command: project.install(folder, SDK, "--save"),
    })?;
    // Beside the SDK, or inside it: npm decides.
    for (name, tool) in [
        ("esbuild", "the npm package esbuild, a dependency of handoff-sdk,"),
        ("componentize-qjs", "the npm package componentize-qjs, a dependency of handoff-sdk,"),
    ] {
        let beside = build.parent().unwrap_or(folder);
        package(beside, name, "package.json")
            .ok_or_else(|| BuildError::MissingTool { tool, command: npm(folder, "install") })?;
    }
    check_types(folder, main, &node, &project, progress)?;
    progress(&format!("Building with {} and QuickJS", node.display()));
    let mut command = Command::new(node);
    command.arg(build).arg(folder).arg(main);
    component_of(command, progress)
}

/// The build removes types without looking at them; the compiler of TypeScript checks them.
fn check_types(
    folder: &Path,
    main: &str,
    node: &Path,
    project: &Project,
    progress: &mut dyn FnMut(&str),
) -> Result<(), BuildError> {
    let config = folder.join("tsconfig.json");
    if !config.is_file() {
        if Path::new(main).extension().is_some_and(|kind| kind == "ts") {
            let problem = "it is missing; expected the settings of TypeScript, with `\"strict\": true`";
            return Err(BuildError::ProjectFile { path: config, problem: problem.to_owned() });
        }
        return Ok(());
    }
    let compiler = package(folder, "typescript", "bin/tsc").ok_or_else(|| BuildError::MissingTool {
        tool: "the npm package typescript, which checks types (tsconfig.json asks for it),",
        command: project.install(folder, "typescript", "--save-dev"),
    })?;
    progress("Checking types");
    let mut command = Command::new(node);
    command.arg(compiler).args(["--noEmit", "--pretty", "false", "--project"]).arg(folder);
    // The compiler writes errors to standard output.
    command.current_dir(folder);
    let output = command.output().map_err(|source| BuildError::Spawn { program: node.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(BuildError::Compile { stderr: String::from_utf8_lossy(&output.stdout).into_owned() })
}

impl Project {
    /// The command that installs a package: it may already be among the dependencies.
    fn install(&self, folder: &Path, name: &str, how: &str) -> String {
        let is_listed = self.dependencies.contains_key(name) || self.dev_dependencies.contains_key(name);
        npm(folder, &if is_listed { "install".to_owned() } else { format!("install {how} {name}") })
    }
}

fn npm(folder: &Path, arguments: &str) -> String {
    if folder.as_os_str().is_empty() || folder == Path::new(".") {
        return format!("npm {arguments}");
    }
    format!("npm --prefix {} {arguments}", folder.display())
}

/// A file of an installed package, looked for as Node does.
fn package(folder: &Path, name: &str, file: &str) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    folder.ancestors().map(|folder| folder.join("node_modules").join(name).join(file)).find(|file| file.is_file())
}
