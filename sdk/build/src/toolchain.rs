//! Finds a Rust toolchain that compiles for wasm32-unknown-unknown: rustup's or a distribution's. It checks files and
//! runs `rustc`; it never installs anything and never accesses the network.

use crate::BuildError;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What connectors are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Variables of an outer cargo that configure registries and the terminal, not the build; they are kept.
const CARGO_VARIABLES_KEPT: [&str; 7] =
    ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_TERM_", "CARGO_BUILD_JOBS", "CARGO_SOURCE_"];

/// Other variables of an outer cargo or rustup, which would break the inner cargo.
const VARIABLES_DROPPED: [&str; 13] = [
    "CARGO",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_BOOTSTRAP",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
    "MAKEFLAGS",
    "MFLAGS",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
];

/// Newest first; the last is the distribution's default.
const LINKERS: [&str; 6] = ["wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld-19", "wasm-ld-18", "wasm-ld"];

/// A toolchain that compiles for wasm32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Cargo.
    pub cargo: PathBuf,
    /// The compiler, if it is not cargo's default.
    pub rustc: Option<PathBuf>,
    /// Whether the standard library must be compiled from source first.
    pub build_std: bool,
    /// The linker, if the compiler contains none.
    pub linker: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a toolchain for a crate's folder; its `rust-toolchain.toml` is respected.
    ///
    /// # Errors
    /// There is none; the error contains the command to run.
    pub fn find(folder: &Path) -> Result<Self, BuildError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let search: Vec<PathBuf> = std::env::split_paths(&path).collect();
        Self::find_in(folder, &search, Path::new("/usr/bin"))
    }

    fn find_in(folder: &Path, search: &[PathBuf], system: &Path) -> Result<Self, BuildError> {
        let on_path = |name: &str| search.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
        if let (Some(cargo), Some(rustc)) = (on_path("cargo"), on_path("rustc"))
            && sysroot(&rustc, folder).is_some_and(|sysroot| has_target(&sysroot))
        {
            return Ok(Self { cargo, rustc: None, build_std: false, linker: None });
        }
        if let Some(found) = Self::from_distribution(folder, system, LINKERS.iter().find_map(|name| on_path(name))) {
            return Ok(found);
        }
        let command = if on_path("rustup").is_some() {
            "rustup target add wasm32-unknown-unknown"
        } else if system.join("apt-get").is_file() {
            "sudo apt-get install rustc-web cargo-web rust-web-src lld-19"
        } else {
            "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- --target wasm32-unknown-unknown"
        };
        Err(BuildError::NoToolchain { command })
    }

    /// Debian ships the compiler, the library's source and the linker as separate packages, and no library for wasm32.
    fn from_distribution(folder: &Path, system: &Path, linker: Option<PathBuf>) -> Option<Self> {
        let (cargo, rustc) = (system.join("cargo"), system.join("rustc"));
        if !cargo.is_file() || !rustc.is_file() {
            return None;
        }
        let sysroot = sysroot(&rustc, folder)?;
        let linker = linker?;
        let build_std = !has_target(&sysroot);
        if build_std && !sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file() {
            return None;
        }
        Some(Self { cargo, rustc: Some(rustc), build_std, linker: Some(linker) })
    }

    /// A description in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let library = if self.build_std { ", standard library from source" } else { "" };
        format!("{} for {TARGET}{library}", self.cargo.display())
    }

    /// Cargo in a folder, without the variables of an outer cargo or rustup. With [`Toolchain::build_std`] the caller
    /// adds `-Zbuild-std=std,panic_abort`.
    #[must_use]
    pub fn cargo(&self, folder: &Path) -> Command {
        let mut command = clean(&self.cargo, folder);
        if let Some(rustc) = &self.rustc {
            command.env("RUSTC", rustc);
        }
        if self.build_std {
            // `-Zbuild-std` is unstable. The distribution's compiler and library source have the same version.
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

fn clean(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let of_cargo = text.starts_with("CARGO_") && !CARGO_VARIABLES_KEPT.iter().any(|kept| text.starts_with(kept));
        if of_cargo || VARIABLES_DROPPED.contains(&text) {
            command.env_remove(&name);
        }
    }
    // A missing toolchain is an error with an explanation, not a download.
    command.env("RUSTUP_AUTO_INSTALL", "0");
    command
}

fn sysroot(rustc: &Path, folder: &Path) -> Option<PathBuf> {
    let output = clean(rustc, folder).args(["--print", "sysroot"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| PathBuf::from(text.trim()))
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn program(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn rustup_is_preferred_and_a_missing_toolchain_is_explained() {
        let root = tempfile::tempdir().unwrap();
        let (bin, system, sysroot) = (root.path().join("bin"), root.path().join("usr"), root.path().join("sysroot"));
        let find = || Toolchain::find_in(root.path(), std::slice::from_ref(&bin), &system);
        let print = format!("echo {}", sysroot.display());
        program(&bin.join("rustup"), "exit 1");
        program(&bin.join("cargo"), "exit 1");
        program(&bin.join("rustc"), &print);
        let refused = find().unwrap_err().to_string();
        assert!(refused.contains("rustup target add wasm32-unknown-unknown"), "{refused}");

        program(&system.join("cargo"), "exit 1");
        program(&system.join("rustc"), &print);
        program(&bin.join("wasm-ld-19"), "exit 1");
        assert!(find().is_err(), "without the library's source it cannot work");
        program(&sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml"), "");
        let found = find().unwrap();
        assert!(found.build_std && found.cargo.starts_with(&system) && found.linker.is_some());

        fs::create_dir_all(sysroot.join("lib/rustlib").join(TARGET).join("lib")).unwrap();
        let found = find().unwrap();
        assert_eq!(found, Toolchain { cargo: bin.join("cargo"), rustc: None, build_std: false, linker: None });
    }
}
