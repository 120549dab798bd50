//! The Extism runtime as a peer: builds its plug-in, runs the program `peers`, reads what it measured. Links none of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use handoff_build::Toolchain;
use serde::Deserialize;

use crate::figures::Samples;
use crate::guest::{folder, target};

/// What one round of the peer took, in nanoseconds a call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Round {
    own_ns: f64,
    pooled_ns: f64,
}

/// What the peer reached in its best way.
pub(crate) struct Peer {
    /// Its version.
    pub(crate) version: String,
    /// Microseconds a call.
    pub(crate) best: Samples,
    /// Which way that was.
    pub(crate) way: String,
}

/// Runs the peer.
///
/// # Panics
/// If it was not built (`.ci/bench` builds it) or fails.
pub(crate) fn measure(calls: u32) -> Peer {
    let program = std::env::var_os("HANDOFF_PEERS").map_or_else(|| target().join("peers/debug/peers"), PathBuf::from);
    let output = Command::new(&program).arg(plugin()).arg(calls.to_string()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; `make bench` builds it", program.display()));
    assert!(output.status.success(), "the peer failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let rounds: Vec<Round> = text.lines().map(|line| serde_json::from_str(line).expect("a round")).collect();
    let of = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Samples>().divided_by(1_000.0);
    let (own, pooled) = (of(|round| round.own_ns), of(|round| round.pooled_ns));
    println!("  Extism {} µs by itself, {} µs with wasmtime's pool", own.in_order(), pooled.in_order());
    let is_pooled = pooled.median() < own.median();
    let way = if is_pooled {
        "precompiled plug-in, new instance, wasmtime's pool"
    } else {
        "precompiled plug-in, new instance"
    };
    Peer { version: version(), best: if is_pooled { pooled } else { own }, way: way.to_owned() }
}

/// Builds the plug-in as connectors are built.
fn plugin() -> PathBuf {
    let folder = folder("plugin");
    let toolchain = Toolchain::find(&folder).unwrap_or_else(|error| panic!("{error}"));
    let mut cargo = toolchain.cargo(&folder);
    cargo.args(["build", "--release", "--quiet", "--locked", "--target", "wasm32-unknown-unknown"]);
    if toolchain.build_std {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    let target = target().join("bench/guests");
    let built = cargo.env("CARGO_TARGET_DIR", &target).status().expect("cargo runs");
    assert!(built.success(), "the plug-in does not compile");
    target.join("wasm32-unknown-unknown/release/plugin.wasm")
}

/// The version in the peers' lock file.
fn version() -> String {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers/Cargo.lock");
    let text = std::fs::read_to_string(path).expect("the peers' lock file");
    let lock: Lock = toml::from_str(&text).expect("a lock file");
    let package = lock.package.into_iter().find(|package| package.name == "extism");
    package.expect("extism among the peers").version
}
