//! `pack`: stamps a component of any language, after the checks of build and host.

use std::path::Path;

use handoff_app::cases::CaseRunner;
use handoff_build::BuildError;
use handoff_files::{PUBLIC_FILE, PUBLIC_FOLDER};
use handoff_package::{Digest, Manifest};

use super::build::{BuildReport, show};
use crate::args::PackArgs;
use crate::connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;

pub(crate) async fn run(args: &PackArgs, output: &mut Output) -> Result<Exit, CliError> {
    let manifest = manifest(&args.manifest)?;
    let component = super::install::component(&args.component)?;
    let refused = |error: BuildError| CliError::invalid(format!("{}: {error}", args.component.display()));
    let bytes = handoff_build::pack(&component, &manifest).map_err(refused)?;
    // The host's own compiler and linker: what they refuse here, a host would refuse, too.
    let cache = tempfile::tempdir().map_err(|error| CliError::failed(error.to_string()))?;
    output.while_waiting("compiling", CaseRunner::new(&bytes, cache.path().to_owned())).await?;
    let package = &manifest.package;
    let path = args.out.join(format!("{}-{}.wasm", package.name.name(), package.version));
    let failed = |error| CliError::failed(format!("cannot write {}: {error}", path.display()));
    handoff_files::replace(&path, &bytes, PUBLIC_FILE, PUBLIC_FOLDER).map_err(failed)?;
    let report = BuildReport {
        package: package.name.to_string(),
        version: package.version.to_string(),
        digest: Digest::of(&bytes).to_string(),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        path,
    };
    output.view(&report, show)?;
    Ok(Exit::Ok)
}

/// Reads a manifest and the files beside it.
fn manifest(path: &Path) -> Result<Manifest, CliError> {
    let text = connection::read(path, "the manifest")?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Manifest::from_toml_with(&text, beside).map_err(|error| CliError::invalid(format!("{}: {error}", path.display())))
}
