//! One-way layers: which of our crates may depend on which, and which of them may use a heavy library. From the
//! `Cargo.toml` files; the compiler enforces the rest.

use crate::crates::dependencies;
use crate::tree::{files_ending, none};

/// The crates of host and registry, and the crates of ours that each may use. Lowest first.
const LAYERS: [(&str, &[&str]); 17] = [
    ("registry/files", &[]),
    ("registry/listen", &[]),
    ("registry/package", &[]),
    ("registry/client", &["files", "package"]),
    ("registry/server", &["listen", "package"]),
    ("host/model", &[]),
    ("host/policy", &["model", "package"]),
    ("host/store", &["model"]),
    ("host/ingress", &["files", "model", "policy"]),
    ("host/egress", &["model", "policy"]),
    ("host/runtime", &["model", "policy"]),
    ("host/engine", &["model", "policy", "store"]),
    ("host/config", &["model", "policy", "package"]),
    ("host/control", &["model"]),
    (
        "host/app",
        &[
            "model",
            "policy",
            "store",
            "ingress",
            "egress",
            "runtime",
            "engine",
            "config",
            "control",
            "package",
            "registry-client",
            "cases",
        ],
    ),
    ("host/server", &["listen", "model", "ingress", "control", "app", "package"]),
    (
        "host/cli",
        &[
            "files",
            "model",
            "store",
            "runtime",
            "config",
            "control",
            "app",
            "server",
            "build",
            "mask",
            "templates",
            "package",
            "registry-client",
            "registry-server",
        ],
    ),
];

/// Libraries that only these crates may use. Tests may use any of them to simulate servers.
const OWNED: [(&str, &[&str]); 5] = [
    // The registry server has its own index.
    ("sled", &["host/store", "registry/server"]),
    ("wasmtime", &["host/runtime"]),
    ("axum", &["host/server"]),
    ("hyper", &["host/server", "registry/server"]),
    ("hyper-util", &["host/server", "registry/server"]),
];

#[test]
fn a_crate_uses_only_layers_below_it() {
    let mut found = Vec::new();
    for folder in crates() {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == folder) else {
            found.push(format!("{folder} has no layer"));
            continue;
        };
        for name in dependencies(&format!("{folder}/Cargo.toml")) {
            if name.strip_prefix("handoff-").is_some_and(|ours| !allowed.contains(&ours)) {
                found.push(format!("{folder} depends on {name}"));
            }
        }
    }
    none(&found, "move shared code down, or pass it in from above; the layers are at the top of this test");
}

#[test]
fn only_its_owners_use_a_heavy_library() {
    let mut found = Vec::new();
    for folder in crates() {
        for name in dependencies(&format!("{folder}/Cargo.toml")) {
            let owners = OWNED.iter().find(|(library, _)| *library == name).map(|(_, owners)| owners);
            if owners.is_some_and(|owners| !owners.contains(&folder.as_str())) {
                found.push(format!("{folder} depends on {name}"));
            }
        }
    }
    none(&found, "add an operation to the owning crate");
}

/// The folders of the crates of the host and the registry.
fn crates() -> Vec<String> {
    let manifests = ["host", "registry"].iter().flat_map(|folder| files_ending(folder, "/Cargo.toml"));
    let folders: Vec<String> = manifests.map(|file| file.path.trim_end_matches("/Cargo.toml").to_owned()).collect();
    assert!(folders.len() >= LAYERS.len(), "the crates have moved");
    folders
}
