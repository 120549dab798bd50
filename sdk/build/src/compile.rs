//! Runs cargo once for all connectors of a workspace, and collects the compiled core modules.

use crate::project::{Profiles, Project};
use crate::toolchain::TARGET;
use crate::{BuildError, Options, Toolchain};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Maximum length of a compiler's messages in an error, in bytes.
const STDERR_BYTES_MAX: usize = 32 * 1024;

/// Settings of `release` if the workspace defines no profile of its own: the host compiles and loads connectors often,
/// so size matters more than the last percent of speed.
const SMALL_RELEASE: [&str; 4] = [
    "profile.release.opt-level=\"s\"",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.strip=\"debuginfo\"",
];

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    filenames: Option<Vec<PathBuf>>,
}

/// Compiles projects of one workspace; returns core modules by package id.
pub(crate) fn compile(
    projects: &[&Project],
    options: &Options,
    toolchain: &Toolchain,
    progress: &mut dyn FnMut(&str),
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let Some(first) = projects.first() else { return Ok(BTreeMap::new()) };
    let mut cargo = toolchain.cargo(&first.workspace);
    arguments(&mut cargo, first, options, toolchain);
    for project in projects {
        cargo.args(["-p", &project.package_id]);
    }
    Ok(modules(&run(cargo, progress)?))
}

fn arguments(cargo: &mut Command, project: &Project, options: &Options, toolchain: &Toolchain) {
    cargo.args(["build", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    let target = options.target.clone().unwrap_or_else(|| project.target.join("guests"));
    cargo.arg("--target-dir").arg(target);
    if toolchain.build_std {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    if options.offline {
        cargo.arg("--offline");
    }
    match (&options.profile, project.profiles) {
        (Some(profile), _) => drop(cargo.args(["--profile", profile])),
        (None, Profiles { guest: true, .. }) => drop(cargo.args(["--profile", "guest"])),
        (None, Profiles { release: true, .. }) => drop(cargo.arg("--release")),
        (None, _) => {
            cargo.arg("--release");
            for setting in SMALL_RELEASE {
                cargo.args(["--config", setting]);
            }
        }
    }
    if let Some(flags) = path_flags() {
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
}

/// Removes the developer's home folder from the component: it is private, and the same source gives the same bytes on
/// two machines. Cargo already makes the workspace's own paths relative; a flag with the workspace's path would compile
/// the standard library again for each workspace.
fn path_flags() -> Option<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    Some(format!("--remap-path-prefix={}=/cargo", home.display()))
}

/// Runs a compiler. Standard error, for people, goes to `progress` line by line; the lines of standard output, for
/// programs, are returned.
///
/// # Errors
/// It cannot be started, or it fails; the error contains what it said.
pub(crate) fn run(mut command: Command, progress: &mut dyn FnMut(&str)) -> Result<Vec<String>, BuildError> {
    let program = PathBuf::from(command.get_program());
    let failed = |source| BuildError::Spawn { program: program.clone(), source };
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    // Both pipes are read at once: a full one would block the compiler.
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        stdout.map(|pipe| BufReader::new(pipe).lines().map_while(Result::ok).collect::<Vec<_>>()).unwrap_or_default()
    });
    let mut kept = String::new();
    if let Some(pipe) = child.stderr.take() {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            progress(&line);
            kept.push_str(&line);
            kept.push('\n');
            if kept.len() > STDERR_BYTES_MAX * 2 {
                kept.drain(..kept.ceil_char_boundary(kept.len() - STDERR_BYTES_MAX));
            }
        }
    }
    let success = child.wait().map_err(failed)?.success();
    let stdout = reader.join().unwrap_or_default();
    if success { Ok(stdout) } else { Err(BuildError::Compile { stderr: kept }) }
}

fn modules(stdout: &[String]) -> BTreeMap<String, PathBuf> {
    stdout
        .iter()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| {
            let wasm =
                message.filenames?.into_iter().find(|file| file.extension().is_some_and(|kind| kind == "wasm"))?;
            Some((message.package_id?, wasm))
        })
        .collect()
}
