//! The Extism runtime as a peer: builds its plug-in, runs the program `peers`, reads its measurements. Nothing of it is
//! linked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use handoff_build::Toolchain;
use serde::Deserialize;

use crate::guest::{folder, target};
use crate::results::Samples;

/// The result of one round, in nanoseconds per call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Round {
    own_ns: f64,
    pooled_ns: f64,
}

/// The running peer. Stops when dropped.
pub(crate) struct Peer {
    child: Child,
    answers: BufReader<ChildStdout>,
    own: Samples,
    pooled: Samples,
}

impl Peer {
    /// Starts it.
    ///
    /// # Panics
    /// If it was not built (`.ci/bench` builds it).
    pub(crate) fn start(calls: u32) -> Self {
        let program =
            std::env::var_os("HANDOFF_PEERS").map_or_else(|| target().join("peers/debug/peers"), PathBuf::from);
        let mut command = Command::new(&program);
        command.arg(plugin()).arg(calls.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}; `make bench` builds it", program.display()));
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, answers, own: Samples::default(), pooled: Samples::default() }
    }

    /// One round. Returns microseconds per call in the faster configuration.
    pub(crate) fn round(&mut self) -> f64 {
        self.child.stdin.as_mut().expect("its input").write_all(b"\n").expect("the peer listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the peer answers");
        let round: Round = serde_json::from_str(&line).expect("a round");
        self.own.push(round.own_ns / 1_000.0);
        self.pooled.push(round.pooled_ns / 1_000.0);
        round.own_ns.min(round.pooled_ns) / 1_000.0
    }

    /// Its description, and which configuration was faster.
    pub(crate) fn title(&self) -> String {
        println!("  Extism {} µs by itself, {} µs with wasmtime's pool", self.own.in_order(), self.pooled.in_order());
        let pool = if self.pooled.median() < self.own.median() { ", wasmtime's pool" } else { "" };
        format!("Extism {}, precompiled plug-in, new instance{pool}", version())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the plug-in in the same way as connectors.
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
