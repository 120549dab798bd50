//! Which crate may depend on which, read from the `Cargo.toml` files; and that vendors stay out of everything but connectors.

use crate::tree::{files, files_ending, none, read};

/// Crates of the SDK and which of our other crates they may use. The layers of host and registry are in `layers`.
const SDK: [(&str, &[&str]); 2] = [("sdk/rust", &[]), ("sdk/build", &["handoff-package"])];
/// What no crate of the SDK may use.
const HOSTS_OWN: [&str; 2] = ["wasmtime", "sled"];

/// Makers of dealership systems. The host, the SDK and the registry serve all of them alike and know none.
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
    none(&found, "a connector is built without the host");
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
    none(&found, "a connector here is built as a third party's would be");
}

#[test]
fn no_vendor_is_named_outside_connectors() {
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
    none(&found, "say what the system does, not who makes it");
}

fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn package_name(path: &str) -> String {
    let manifest = manifest(path);
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    name.unwrap_or_else(|| panic!("{path}: no package.name")).to_owned()
}

/// Dependencies that end up in the crate, for any target. What only its tests use is its own affair.
pub(crate) fn dependencies(path: &str) -> Vec<String> {
    let manifest = manifest(path);
    let mut tables: Vec<&toml::Value> = manifest.get("dependencies").into_iter().collect();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    tables.extend(targets.into_iter().flat_map(toml::Table::values).filter_map(|target| target.get("dependencies")));
    tables.into_iter().filter_map(toml::Value::as_table).flat_map(|table| table.keys().cloned()).collect()
}
