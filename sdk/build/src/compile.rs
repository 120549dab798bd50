//! Runs cargo once for all connectors of a workspace, and finds the core modules that it made.

use crate::project::{Profiles, Project};
use crate::toolchain::TARGET;
use crate::{BuildError, Options, Toolchain};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Bytes of cargo's messages that an error keeps.
const STDERR_BYTES_MAX: usize = 32 * 1024;

/// What `release` becomes where the workspace has no wish of its own: connectors are loaded often and compiled by the host,
/// so that size matters more than the last percent of speed.
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

/// Compiles projects of one workspace; core modules by package id.
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
    let (stdout, stderr, success) = run(cargo, toolchain, progress)?;
    if !success {
        return Err(BuildError::Compile { stderr });
    }
    Ok(modules(&stdout))
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

/// Takes the developer's home out of the component: it is nobody's business, and two machines make the same bytes. Cargo gives
/// the workspace's own paths relative already; a flag that named the workspace would compile the standard library anew for each.
fn path_flags() -> Option<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    Some(format!("--remap-path-prefix={}=/cargo", home.display()))
}

/// Runs cargo. Its messages for people go to `progress` line by line, those for programs are returned.
fn run(
    mut cargo: Command,
    toolchain: &Toolchain,
    progress: &mut dyn FnMut(&str),
) -> Result<(Vec<String>, String, bool), BuildError> {
    let failed = |source| BuildError::Spawn { program: toolchain.cargo.clone(), source };
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    // Both pipes are drained at once: a full one would stop cargo.
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
    Ok((reader.join().unwrap_or_default(), kept, success))
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
