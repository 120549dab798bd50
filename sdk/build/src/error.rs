//! Why a build fails, with what to do next.

use handoff_package::{ManifestError, PackageError};
use std::io;
use std::path::PathBuf;

/// Why a connector was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No toolchain can compile for wasm32.
    #[error(
        "no installed Rust toolchain can compile for wasm32-unknown-unknown. Run this once, then build again:\n\n    {command}\n"
    )]
    NoToolchain {
        /// The command to run.
        command: &'static str,
    },
    /// A tool of the language is missing.
    #[error("{tool} is missing. Run this once, then build again:\n\n    {command}\n")]
    MissingTool {
        /// The tool, and who needs it.
        tool: &'static str,
        /// The command to run.
        command: String,
    },
    /// The folder has no project of a language.
    #[error(
        "{0} has a connector.toml and no project beside it: expected Cargo.toml (Rust), package.json (JavaScript, \
         TypeScript) or pyproject.toml (Python)"
    )]
    NoProject(PathBuf),
    /// A project's file lacks what the build needs.
    #[error("{path}: {problem}")]
    ProjectFile {
        /// The file.
        path: PathBuf,
        /// The field, and what was expected.
        problem: String,
    },
    /// The project has another version than the manifest.
    #[error(
        "{path} has the version {found}, and connector.toml beside it {manifest}: a release has one version, set both \
         to the same"
    )]
    VersionMismatch {
        /// The project's file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version in connector.toml.
        manifest: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// The operation: `read`, `write` …
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The folder contains no connector.
    #[error(
        "{0} has no connector.toml: name a connector's folder, or create one as described in Handoff's README under \"Your first connector\""
    )]
    NoConnector(PathBuf),
    /// The manifest is invalid.
    #[error("{folder}: {error}")]
    Manifest {
        /// The connector's manifest.
        folder: PathBuf,
        /// Line, column, field and what was expected. Part of the message, so it is not a `source`.
        error: ManifestError,
    },
    /// A tool cannot be started.
    #[error("cannot run {program}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Cargo cannot read the crate.
    #[error("cargo cannot read {folder}:\n{stderr}")]
    Metadata {
        /// The connector's folder.
        folder: PathBuf,
        /// Cargo's messages.
        stderr: String,
    },
    /// The crate produces no wasm file.
    #[error(
        "the crate `{0}` produces no component. Add to its Cargo.toml:\n\n    [lib]\n    crate-type = [\"cdylib\", \"rlib\"]\n"
    )]
    NoCdylib(String),
    /// Two folders would produce the same file.
    #[error(
        "two connectors are named `{0}` and would produce the same file: build them separately, into different folders"
    )]
    SameName(String),
    /// The compiler found errors.
    #[error("the connector does not compile:\n{stderr}")]
    Compile {
        /// The compiler's messages; the last part if they are long.
        stderr: String,
    },
    /// Cargo succeeded but named no wasm file.
    #[error("cargo built `{0}` but named no .wasm file: is its crate type overridden in .cargo/config.toml?")]
    NoArtifact(String),
    /// The module does not contain the interface version that it is built against.
    #[error(
        "the crate exports no connector: it has no section `handoff:interface`. Call `handoff_sdk::export!(YourConnector);` once, at \
         the top level of src/lib.rs"
    )]
    NotExported,
    /// The module imports something beyond the contract.
    #[error(
        "the connector imports `{import}`, which no host provides: a connector may import only `handoff:connector`. A \
         dependency brought it in, often one that reads the clock, draws random numbers or expects a browser; `cargo tree --target \
         wasm32-unknown-unknown` shows which. Turn its feature off, and take time and random bytes from the context"
    )]
    ForeignImport {
        /// The name of the import.
        import: String,
    },
    /// The module cannot become a component.
    #[error("the compiled module cannot become a component: {0}")]
    Componentize(String),
    /// The component is not a package.
    #[error("the built component is not a valid package: {0}")]
    Package(PackageError),
}
