//! Builds the probe guest once for all tests and keeps it by the sum of its sources.

#![allow(dead_code, reason = "each of the test programs that share this file uses a part of it")]

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
    let kept = scratch().join(format!("probe-{}.wasm", sources_sum()));
    if let Ok(component) = fs::read(&kept) {
        return Guest::of(component);
    }
    let component = component_of(&probe_module());
    // A rename, because tests run in processes side by side.
    let partial = kept.with_extension(std::process::id().to_string());
    fs::write(&partial, &component).expect("the scratch folder can be written");
    fs::rename(&partial, &kept).expect("the component can be moved into place");
    Guest::of(component)
}

/// A folder that lives as long as the build's.
pub(crate) fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// A core module with the contract's custom sections as a component.
pub(crate) fn component_of(module: &[u8]) -> Vec<u8> {
    let encoder = wit_component::ComponentEncoder::default().validate(true);
    encoder.module(module).and_then(|mut encoder| encoder.encode()).expect("the probe makes a component")
}

/// Compiles the probe as connectors are: with rustup's target, or with the distribution's Rust.
fn probe_module() -> Vec<u8> {
    let target = env::var_os("HANDOFF_GUESTS_TARGET_DIR").map_or_else(|| scratch().join("guests"), PathBuf::from);
    let toolchain = Toolchain::find(&probe_folder()).unwrap_or_else(|error| panic!("{error}"));
    let mut cargo = toolchain.cargo(&probe_folder());
    cargo.args(["build", "--release", "--quiet", "--locked", "--target", "wasm32-unknown-unknown"]);
    if toolchain.build_std {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    let built = cargo.env("CARGO_TARGET_DIR", &target).status().expect("cargo runs");
    assert!(built.success(), "the probe does not compile");
    fs::read(target.join("wasm32-unknown-unknown/release/probe.wasm")).expect("cargo wrote the probe")
}

fn probe_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/probe")
}

fn sources_sum() -> String {
    let mut sum = Sha256::new();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "../../../wit/handoff-connector-1.0.0/connector.wit"] {
        sum.update(fs::read(probe_folder().join(file)).expect("the probe's sources are there"));
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
