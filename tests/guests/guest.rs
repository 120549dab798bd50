//! Builds the guests that use raw bindings, once for all tests, and caches them by the checksum of their sources.

#![allow(dead_code, reason = "each test program that includes this file uses a part of it")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use handoff_build::Toolchain;
use sha2::{Digest as _, Sha256};

/// A component and its digest.
pub(crate) struct Guest {
    pub(crate) component: Vec<u8>,
    pub(crate) digest: String,
}

impl Guest {
    pub(crate) fn of(component: Vec<u8>) -> Self {
        let hex: String = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { digest: format!("sha256:{hex}"), component }
    }
}

/// The probe of `tests/guests/probe` as a component.
pub(crate) fn probe() -> Guest {
    Guest::of(kept("probe", |module| component_of(&module)))
}

/// The connector of `tests/guests/first-release` as the first release packed it: a component followed by the two
/// sections, written byte by byte without today's build.
pub(crate) fn first_release() -> Guest {
    let manifest = fs::read(folder_of("first-release").join("manifest.json")).expect("the manifest");
    let mut package = kept("first-release", |module| component_of(&module));
    for (name, data) in [("handoff:interface", b"handoff:connector@1.0.0".as_slice()), ("handoff:manifest", &manifest)]
    {
        let name = [leb128(name.len()), name.as_bytes().to_vec()].concat();
        package.extend([vec![0], leb128(name.len() + data.len()), name, data.to_vec()].concat());
    }
    Guest::of(package)
}

/// <https://webassembly.github.io/spec/core/binary/values.html#integers>
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn kept(name: &str, make: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let kept = scratch().join(format!("{name}-{}.wasm", sources_sum(name)));
    if let Ok(component) = fs::read(&kept) {
        return component;
    }
    let component = make(module_of(name));
    // A rename, because tests run in parallel processes.
    let partial = kept.with_extension(std::process::id().to_string());
    fs::write(&partial, &component).expect("the scratch folder can be written");
    fs::rename(&partial, &kept).expect("the component can be moved into place");
    component
}

/// A folder that lives as long as the build's.
pub(crate) fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Converts a core module with the contract's custom sections to a component.
pub(crate) fn component_of(module: &[u8]) -> Vec<u8> {
    let encoder = wit_component::ComponentEncoder::default().validate(true);
    encoder.module(module).and_then(|mut encoder| encoder.encode()).expect("the guest converts to a component")
}

/// Compiles a guest in the same way as connectors: with rustup's target, or with the distribution's Rust.
fn module_of(name: &str) -> Vec<u8> {
    let target = env::var_os("HANDOFF_GUESTS_TARGET_DIR").map_or_else(|| scratch().join("guests"), PathBuf::from);
    let toolchain = Toolchain::find(&folder_of(name)).unwrap_or_else(|error| panic!("{error}"));
    let mut cargo = toolchain.cargo(&folder_of(name));
    cargo.args(["build", "--release", "--quiet", "--locked", "--target", "wasm32-unknown-unknown"]);
    if toolchain.build_std {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    let built = cargo.env("CARGO_TARGET_DIR", &target).status().expect("cargo runs");
    assert!(built.success(), "{name} does not compile");
    let file = format!("wasm32-unknown-unknown/release/{}.wasm", name.replace('-', "_"));
    fs::read(target.join(file)).expect("cargo wrote the guest")
}

fn folder_of(name: &str) -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guests = crate_folder.ancestors().map(|folder| folder.join("tests/guests")).find(|folder| folder.is_dir());
    guests.expect("the guests are in tests/guests").join(name)
}

fn sources_sum(name: &str) -> String {
    let mut sum = Sha256::new();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "../../../wit/handoff-connector-1.0.0/connector.wit"] {
        sum.update(fs::read(folder_of(name).join(file)).expect("the guest's sources are there"));
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
