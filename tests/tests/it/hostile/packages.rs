//! Packages and settings of hostile connectors, and the events that trigger them.

use std::fs;
use std::path::{Path, PathBuf};

use handoff_package::Manifest;
use handoff_package::package::stamp;
use handoff_tests::harness::TestHost;
use serde_json::{Value, json};
use toml::Table;

use crate::guest::probe;

/// The folder of the released contract.
pub(crate) fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/handoff-connector-1.0.0")
}

/// Wraps a component as a package that accepts one event type and may emit another.
pub(crate) fn package(folder: &Path, name: &str, component: &[u8], accepts: &str, emits: &str) -> PathBuf {
    let manifest = format!(
        r#"[package]
name = "hostile/{name}"
version = "1.0.0"
title = "A guest of the tests"
summary = "Does what the tests say."
license = "MIT"
[events]
accepts = ["{accepts}"]
emits = ["{emits}"]
[[http]]
name = "crm"
host = "*"
methods = ["GET", "POST"]
paths = ["/leads/*"]
why = "Something to reach."
[state]
schema = 1
"#
    );
    let manifest = Manifest::from_toml(&manifest).expect("a manifest");
    let stamped = stamp(component, &manifest, "handoff:connector@1.0.0").expect("a package");
    let path = folder.join(format!("{name}.wasm"));
    fs::write(&path, stamped).expect("written");
    path
}

/// Settings of a guest that may send requests to a local port.
pub(crate) fn settings(port: u16) -> Table {
    let text = format!(
        "rooftop = \"main-street\"\n[[grants.http]]\nname = \"crm\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         plaintext = true\nprivate-addresses = true\n"
    );
    text.parse().expect("settings")
}

/// Installs the probe, which does what its events say.
pub(crate) async fn install_probe(host: &TestHost, name: &str, accepts: &str, emits: &str, port: u16) {
    let package = package(host.folder(), name, &probe().component, accepts, emits);
    host.install(name, &package, &settings(port)).await.ok();
}

/// An event whose data is a script.
pub(crate) fn event(type_name: &str, id: &str, script: &str, key: Option<&str>) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "https://hostile.example", "type": type_name,
        "datacontenttype": "text/plain", "data": script,
    });
    if let Some(key) = key {
        event["partitionkey"] = key.into();
    }
    event
}

/// Dead letters of an installation: code and number of attempts of each.
pub(crate) async fn codes(host: &TestHost, installation: &str) -> Vec<(String, u64)> {
    let list = host.cli_json(&["dead-letters", "--installation", installation, "--limit", "1000"]).await;
    let letters = list["deadLetters"].as_array().cloned().unwrap_or_default();
    let code = |letter: &Value| letter["failure"]["code"].as_str().unwrap_or_default().to_owned();
    letters.iter().map(|letter| (code(letter), letter["attempts"].as_u64().unwrap_or(0))).collect()
}

/// Pending work and timers of an installation.
pub(crate) async fn counts(host: &TestHost, installation: &str) -> Value {
    let list = host.cli_json(&["list"]).await;
    let all = list["installations"].as_array().cloned().unwrap_or_default();
    let own = all.into_iter().find(|one| one["name"] == installation).expect("it is installed");
    own["counts"].clone()
}
