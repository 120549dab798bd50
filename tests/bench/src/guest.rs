//! The connector used for measurements: built once, and restamped with other names where many packages are needed.

use std::path::{Path, PathBuf};

use handoff_build::{Options, build, componentize};
use handoff_package::Manifest;

/// The event type that it accepts.
pub(crate) const TYPE_NAME: &str = "com.example.measured.v1";

/// Built guest code.
pub(crate) struct Taker {
    /// The package.
    pub(crate) package: Vec<u8>,
    /// The file.
    pub(crate) path: PathBuf,
    module: Vec<u8>,
    manifest: String,
}

impl Taker {
    /// Builds it, or reuses a build.
    ///
    /// # Panics
    /// If the build fails.
    pub(crate) fn build() -> Self {
        let folder = folder("taker");
        let target = target().join("bench/guests");
        let options =
            Options { output: Some(target.join("packages")), target: Some(target.clone()), ..Options::default() };
        let built = build(&folder, &options, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
        let module = target.join("wasm32-unknown-unknown/release/taker.wasm");
        Self {
            package: built.bytes,
            path: built.component_path,
            module: std::fs::read(module).expect("the guest's module"),
            manifest: std::fs::read_to_string(folder.join("connector.toml")).expect("the guest's manifest"),
        }
    }

    /// The same code as another package: another name, so another digest.
    pub(crate) fn named(&self, number: u64) -> Vec<u8> {
        let manifest = self.manifest.replacen("handoff/taker", &format!("handoff/taker-{number}"), 1);
        let manifest = Manifest::from_toml(&manifest).expect("a manifest with another name");
        componentize(&self.module, &manifest).expect("a component")
    }
}

/// A guest's folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests").join(name)
}

/// The target folder in which this program was built.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.ancestors().nth(2).expect("target/debug/program").to_owned()
}
