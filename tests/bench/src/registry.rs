//! Choosing among many versions (in `resolve`), then pushes and pulls of packages over HTTP, compared with copying the
//! same bytes between files: written and synced for a push, read for a pull. Server and client share the two cores.

mod resolve;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use handoff_package::Digest;
use handoff_registry_server::{Access, Server, ServerOptions};
use serde_json::json;

use crate::goals::Goals;
use crate::results::{Samples, Table, number, plain};
use crate::{Load, say};

/// The size of a connector's component in JavaScript or Python.
const PACKAGE_BYTES: usize = 8 << 20;
const PACKAGES: usize = 16;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Measures and adds rows.
pub(crate) async fn measure(load: Load, goals: &mut Goals, table: &mut Table) {
    resolve::measure(load, goals).await;
    say("Packages pushed to the registry and pulled from it, one after the other");
    let mut figures: [Samples; 4] = Default::default();
    for run in 0..load.runs {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let packages: Vec<Vec<u8>> = (0..PACKAGES).map(|package| noise(run * PACKAGES + package)).collect();
        let mib = number((PACKAGES * PACKAGE_BYTES) >> 20);
        let copied = seconds(async || copy(folder.path(), &packages)).await;
        let mut options =
            ServerOptions::new("127.0.0.1:0".parse().expect("an address"), folder.path().join("registry"));
        options.access = Access::Open;
        let server = Server::start(options).await.expect("a registry");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = server.url();
        let pushed = seconds(async || push(&client, &url, &packages).await).await;
        let pulled = seconds(async || pull(&client, &url, &packages, folder.path()).await).await;
        let read = seconds(async || read(folder.path(), packages.len())).await;
        server.stop().await.expect("a clean stop");
        for (samples, taken) in figures.iter_mut().zip([pushed, copied, pulled, read]) {
            samples.push(mib / taken);
        }
        println!(
            "  push {} MiB/s, copied and synced {} MiB/s; pull {} MiB/s, copied {} MiB/s",
            plain(mib / pushed),
            plain(mib / copied),
            plain(mib / pulled),
            plain(mib / read),
        );
    }
    let [pushed, copied, pulled, read] = figures;
    let beside = |what: &str, bare: &Samples| format!("{what}: {} MiB/s", plain(bare.median()));
    table.result("Registry: packages of 8 MiB pushed", &pushed, "MiB/s", &beside("files copied and synced", &copied));
    table.result("Registry: packages of 8 MiB pulled into files", &pulled, "MiB/s", &beside("files copied", &read));
}

async fn seconds(work: impl AsyncFnOnce()) -> f64 {
    let start = Instant::now();
    work().await;
    start.elapsed().as_secs_f64()
}

/// Incompressible bytes, different per seed.
fn noise(seed: usize) -> Vec<u8> {
    let mut state = u64::try_from(seed).expect("a small number").wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(PACKAGE_BYTES);
    while bytes.len() < PACKAGE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

fn copy(folder: &Path, packages: &[Vec<u8>]) {
    for (number, package) in packages.iter().enumerate() {
        let mut file = File::create(folder.join(format!("{number}.bare"))).expect("a file");
        file.write_all(package).and_then(|()| file.sync_all()).expect("written");
        File::open(folder).and_then(|folder| folder.sync_all()).expect("synced");
    }
}

fn read(folder: &Path, packages: usize) {
    for number in 0..packages {
        fs::copy(folder.join(format!("{number}.bare")), folder.join(format!("{number}.copy"))).expect("copied");
    }
}

async fn push(client: &reqwest::Client, url: &str, packages: &[Vec<u8>]) {
    for (number, package) in packages.iter().enumerate() {
        for bytes in [package.clone(), b"{}".to_vec()] {
            let path = format!("{url}/v2/bench/packages/blobs/uploads/?digest={}", Digest::of(&bytes));
            let answer = client.post(path).body(bytes).send().await.expect("an answer");
            assert_eq!(answer.status(), 201, "a blob is taken");
        }
        let descriptor = |bytes: &[u8]| json!({ "mediaType": "application/octet-stream", "digest": Digest::of(bytes), "size": bytes.len() });
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(b"{}"), "layers": [descriptor(package)] });
        let path = format!("{url}/v2/bench/packages/manifests/1.0.{number}");
        let request = client.put(path).header("content-type", MANIFEST).body(manifest.to_string());
        assert_eq!(request.send().await.expect("an answer").status(), 201, "a version is published");
    }
}

async fn pull(client: &reqwest::Client, url: &str, packages: &[Vec<u8>], folder: &Path) {
    for (number, package) in packages.iter().enumerate() {
        let manifest =
            client.get(format!("{url}/v2/bench/packages/manifests/1.0.{number}")).send().await.expect("an answer");
        let manifest: serde_json::Value = manifest.json().await.expect("a manifest");
        let digest = manifest["layers"][0]["digest"].as_str().expect("a layer");
        let blob = client.get(format!("{url}/v2/bench/packages/blobs/{digest}")).send().await.expect("an answer");
        let bytes = blob.bytes().await.expect("a blob");
        assert_eq!(bytes.len(), package.len(), "whole");
        fs::write(folder.join(format!("{number}.pulled")), bytes).expect("written");
    }
}
