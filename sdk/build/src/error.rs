//! What can stop a build, in words that say what to do next.

use handoff_package::{ManifestError, PackageError};
use std::io;
use std::path::PathBuf;

/// Why a connector was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No way to compile for wasm32.
    #[error(
        "no Rust toolchain here can compile for wasm32-unknown-unknown. Run this once, then build again:\n\n    {command}\n"
    )]
    NoToolchain {
        /// The one command to run.
        command: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// `read`, `write` …
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No connector here.
    #[error(
        "{0} has no connector.toml: name a connector's folder; a new one begins as Handoff's README says under \"Your first connector\""
    )]
    NoConnector(PathBuf),
    /// The manifest is wrong.
    #[error("{folder}: {error}")]
    Manifest {
        /// Of the connector.
        folder: PathBuf,
        /// Line, column, field and what was expected. Part of this text, so no `source`.
        error: ManifestError,
    },
    /// Cargo cannot be started.
    #[error("cannot run {program}")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Cargo does not understand the crate.
    #[error("cargo cannot read {folder}:\n{stderr}")]
    Metadata {
        /// Of the connector.
        folder: PathBuf,
        /// What cargo said.
        stderr: String,
    },
    /// The crate makes no wasm file.
    #[error(
        "the crate `{0}` makes no component. Add to its Cargo.toml:\n\n    [lib]\n    crate-type = [\"cdylib\", \"rlib\"]\n"
    )]
    NoCdylib(String),
    /// Two folders would become the same file.
    #[error(
        "two connectors are named `{0}` and would become the same file: build them one by one, into different folders"
    )]
    SameName(String),
    /// The compiler found errors.
    #[error("the connector does not compile:\n{stderr}")]
    Compile {
        /// What cargo said; its last part if it is long.
        stderr: String,
    },
    /// Cargo said that all is well, but named no wasm file.
    #[error("cargo built `{0}` but named no .wasm file: is its crate type overridden in .cargo/config.toml?")]
    NoArtifact(String),
    /// The module does not say which interface it is built against.
    #[error(
        "the crate exports no connector: it has no section `handoff:interface`. Call `handoff_sdk::export!(YourConnector);` once, at \
         the top level of src/lib.rs"
    )]
    NotExported,
    /// It imports something beyond the contract.
    #[error(
        "the connector imports `{import}`, which no host has: a connector reaches the world only through `handoff:connector`. A \
         dependency brought it in, often one that reads the clock, draws random numbers or expects a browser; `cargo tree --target \
         wasm32-unknown-unknown` shows which. Turn its feature off, and take time and random bytes from the context"
    )]
    ForeignImport {
        /// The import's name.
        import: String,
    },
    /// The module cannot become a component.
    #[error("the compiled module cannot become a component: {0}")]
    Componentize(String),
    /// What was made is no package.
    #[error("the built component is no package: {0}")]
    Package(PackageError),
}
