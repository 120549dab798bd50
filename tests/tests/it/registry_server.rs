//! The registry server in the real program: killed while clients push, stopped, verified, garbage-collected and repaired
//! from the command line.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use handoff_package::artifact::{Artifact, INDEX_TAG};
use handoff_package::index::PackageIndex;
use handoff_package::trust::SigningKey;
use handoff_tests::harness::{eventually, handoff_binary};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry process, killed when the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the registry on a free port; returns its URL.
async fn start(folder: &Path) -> (Process, String) {
    let log = folder.join("registry.log");
    let out = File::create(&log).expect("a log file");
    let child = Command::new(handoff_binary())
        .args(["registry", "serve", "--data", "data", "--open", "--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a second handle"))
        .stderr(out)
        .spawn()
        .expect("the program starts");
    let process = Process(child);
    let url = eventually("the registry is ready", || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.split("ready: ").nth(1)?.split(' ').next().map(str::to_owned)
    })
    .await;
    (process, url)
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn layer(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(20_000)
}

fn manifest(number: u32) -> String {
    let descriptor = |media_type: &str, bytes: &[u8]| json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() });
    let config = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let layers = [descriptor("application/octet-stream", &layer(number))];
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }).to_string()
}

/// Publishes one version after the other until the registry is gone; returns the last one that was confirmed.
async fn publish(client: Client, url: String, repository: String, from: u32) -> Option<u32> {
    let mut confirmed = None;
    for number in from.. {
        for bytes in [b"{}".to_vec(), layer(number)] {
            let path = format!("{url}/v2/{repository}/blobs/uploads/?digest={}", digest(&bytes));
            match client.post(path).body(bytes).send().await {
                Ok(answer) => assert_eq!(answer.status(), 201),
                Err(_) => return confirmed,
            }
        }
        let path = format!("{url}/v2/{repository}/manifests/1.0.{number}");
        match client.put(path).header("content-type", MANIFEST).body(manifest(number)).send().await {
            Ok(answer) => assert_eq!(answer.status(), 201),
            Err(_) => return confirmed,
        }
        confirmed = Some(number);
    }
    confirmed
}

fn run(folder: &Path, arguments: &[&str]) -> (bool, Value) {
    let output =
        Command::new(handoff_binary()).arg("registry").args(arguments).arg("--json").current_dir(folder).output();
    let output = output.expect("the program runs");
    (output.status.success(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test]
async fn a_killed_registry_has_every_confirmed_version() {
    let folder = tempfile::TempDir::new().expect("a folder");
    // The client of a host is built in the same way.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().expect("a client");
    let mut next = [0_u32; 3];
    for round in 0..6_u32 {
        let (process, url) = start(folder.path()).await;
        for (pusher, from) in next.iter().enumerate() {
            for number in 0..*from {
                let path = format!("{url}/v2/acme/p{pusher}/manifests/1.0.{number}");
                let answer = client.get(path).send().await.expect("an answer");
                assert_eq!(answer.status(), 200, "version {number} of p{pusher} is gone in round {round}");
                assert_eq!(answer.text().await.expect("a body"), manifest(number));
            }
        }
        let pushes = next
            .iter()
            .enumerate()
            .map(|(pusher, from)| tokio::spawn(publish(client.clone(), url.clone(), format!("acme/p{pusher}"), *from)));
        let pushes: Vec<_> = pushes.collect();
        // At a random time: after a different number of versions each round.
        let wanted = next[0] + 1 + round % 3;
        let path = format!("{url}/v2/acme/p0/manifests/1.0.{wanted}");
        eventually("versions are published", || async {
            client.head(&path).send().await.ok().filter(|answer| answer.status() == 200).map(drop)
        })
        .await;
        drop(process);
        for (from, push) in next.iter_mut().zip(pushes) {
            if let Some(confirmed) = push.await.expect("a pusher ends when the registry does") {
                *from = confirmed + 1;
            }
        }
        let (sound, report) = run(folder.path(), &["verify", "--data", "data"]);
        assert!(sound, "{report}");
    }
    assert!(next.iter().sum::<u32>() > 6, "too few versions were pushed: {next:?}");

    // Garbage collection removes what the kills left, and nothing that was published.
    let (done, swept) = run(folder.path(), &["gc", "--data", "data", "--grace-hours", "0"]);
    assert!(done, "{swept}");
    let (sound, report) = run(folder.path(), &["verify", "--data", "data"]);
    assert!(sound, "{report}");
    let tags = report["tags"].as_u64().unwrap_or_default();
    assert!(tags >= u64::from(next.iter().sum::<u32>()), "{report}");
}

#[tokio::test]
async fn a_registry_stops_at_sigterm_and_locks_its_folder() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (mut process, _) = start(folder.path()).await;
    let (done, _) = run(folder.path(), &["gc", "--data", "data"]);
    assert!(!done, "a folder in use must not be garbage-collected by another process");
    kill_process(Pid::from_child(&process.0), Signal::TERM).expect("SIGTERM");
    let status = eventually("the registry ends", || {
        let ended = process.0.try_wait().expect("its status");
        async move { ended }
    })
    .await;
    assert!(status.success(), "{status}");
    assert!(folder.path().join("data/index.clean").exists(), "the index must be marked as clean");
    let (done, report) = run(folder.path(), &["gc", "--data", "data", "--dry-run"]);
    assert!(done && report["dryRun"] == true, "{report}");
    let (sound, _) = run(folder.path(), &["verify", "--data", "nowhere"]);
    assert!(!sound);
}

/// Pushes an index without releases, signed with a key; returns the status.
async fn push_index(client: &Client, url: &str, sequence: u64, key: &SigningKey) -> u16 {
    let package = "acme/leads".parse().expect("a package's name");
    let index = PackageIndex { package, sequence, releases: Vec::new() };
    let (json, envelope) = index.sign(key, 7);
    let artifact = Artifact::index(&index, json, envelope);
    for blob in &artifact.blobs {
        let path = format!("{url}/v2/acme/leads/blobs/uploads/?digest={}", digest(blob));
        client.post(path).body(blob.clone()).send().await.expect("an answer");
    }
    let path = format!("{url}/v2/acme/leads/manifests/{INDEX_TAG}");
    let put = client.put(path).header("content-type", MANIFEST).body(artifact.manifest.to_json());
    put.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_publisher_who_is_locked_out_is_let_in_by_command() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().expect("a client");
    let [acme, mallory] = [(); 2].map(|()| SigningKey::generate().expect("a key"));
    let (process, url) = start(folder.path()).await;
    assert_eq!(push_index(&client, &url, 9, &acme).await, 201);
    assert_eq!(push_index(&client, &url, u64::MAX, &mallory).await, 400);
    assert_eq!(push_index(&client, &url, 1_000, &mallory).await, 201);
    assert_eq!(push_index(&client, &url, 10, &acme).await, 403);
    let reset = ["reset-index", "acme/leads", "--to", "9", "--data", "data", "--reason", "pushed by somebody else"];
    let (done, _) = run(folder.path(), &reset);
    assert!(!done, "the registry must be stopped first");
    drop(process);
    let (done, report) = run(folder.path(), &reset);
    assert!(done, "{report}");
    assert_eq!((&report["from"]["sequence"], &report["to"]["sequence"]), (&json!(1_000), &json!(9)), "{report}");
    let (_process, url) = start(folder.path()).await;
    assert_eq!(push_index(&client, &url, 10, &acme).await, 201);
}
