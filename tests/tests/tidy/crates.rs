//! Which crate may depend on which, from the `Cargo.toml` files; and that only connectors name vendors.

use crate::tree::{files, files_ending, none, read};

/// Crates of the SDK and the crates of ours that each may use. `layers` has those of host and registry.
const SDK: [(&str, &[&str]); 6] = [
    ("sdk/cases", &[]),
    ("sdk/mask", &[]),
    ("sdk/rust", &["handoff-cases"]),
    ("sdk/event-schemas", &[]),
    ("sdk/build", &["handoff-files", "handoff-package"]),
    ("sdk/templates", &["handoff-files", "handoff-package"]),
];
/// Libraries that no crate of the SDK may use.
const HOSTS_OWN: [&str; 2] = ["wasmtime", "sled"];

/// Vendors of dealership systems. The host, the SDK and the registry know none of them.
const VENDORS: [&str; 14] = [
    "autosoft",
    "cdk",
    "cargurus",
    "dealersocket",
    "dealertrack",
    "dealervault",
    "drivecentric",
    "elead",
    "fortellis",
    "reynolds",
    "tekion",
    "twilio",
    "vinsolutions",
    "xtime",
];

#[test]
fn the_sdk_does_not_know_the_host() {
    let mut found = Vec::new();
    for (folder, allowed) in SDK {
        for name in dependencies(&format!("{folder}/Cargo.toml")) {
            if HOSTS_OWN.contains(&name.as_str()) || name.starts_with("handoff") && !allowed.contains(&name.as_str()) {
                found.push(format!("{folder} depends on {name}"));
            }
        }
    }
    none(&found, "connectors must build without the host");
}

#[test]
fn connectors_use_only_the_sdk_of_our_crates() {
    let manifests: Vec<_> = files_ending("connectors", "/Cargo.toml").into_iter().collect();
    let ours: Vec<String> = manifests.iter().map(|file| package_name(&file.path)).collect();
    let mut found = Vec::new();
    for manifest in &manifests {
        for name in dependencies(&manifest.path) {
            let is_ours = name.starts_with("handoff-") || ours.contains(&name);
            if is_ours && name != "handoff-sdk" {
                found.push(format!("{} depends on {name}", manifest.path));
            }
        }
    }
    none(&found, "build these connectors in the same way as a third party's");
}

#[test]
fn vendors_are_named_only_in_connectors() {
    let mut found = Vec::new();
    for folder in ["host", "registry", "sdk", "wit"] {
        for file in files(folder) {
            for (index, line) in file.text().lines().enumerate() {
                let words = line.to_lowercase();
                let mut words = words.split(|letter: char| !letter.is_ascii_alphanumeric());
                if let Some(word) = words.find(|word| VENDORS.contains(word)) {
                    found.push(format!("{}:{}: {word}", file.path, index + 1));
                }
            }
        }
    }
    none(&found, "describe the system without naming its vendor");
}

fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn package_name(path: &str) -> String {
    let manifest = manifest(path);
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    name.unwrap_or_else(|| panic!("{path}: no package.name")).to_owned()
}

/// Dependencies of the crate itself, for any target. Dev-dependencies do not count.
pub(crate) fn dependencies(path: &str) -> Vec<String> {
    let manifest = manifest(path);
    let mut tables: Vec<&toml::Value> = manifest.get("dependencies").into_iter().collect();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    tables.extend(targets.into_iter().flat_map(toml::Table::values).filter_map(|target| target.get("dependencies")));
    tables.into_iter().filter_map(toml::Value::as_table).flat_map(|table| table.keys().cloned()).collect()
}
