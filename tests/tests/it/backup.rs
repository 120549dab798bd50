//! Backups of a running host, also of one that is killed while they are made.

use std::path::Path;

use handoff_tests::harness::TestHost;
use serde_json::{Value, json};

const TYPE: &str = "com.example.sale.noted.v1";

async fn post(host: &TestHost, id: &str) -> bool {
    host.post_data(TYPE, id, &json!({ "id": id })).await.status == 202
}

async fn ids(host: &TestHost) -> Vec<String> {
    let events = host.events(TYPE).await;
    let mut ids: Vec<String> = events.iter().filter_map(|event| event["id"].as_str().map(str::to_owned)).collect();
    ids.sort();
    ids
}

/// Replaces the data of a stopped host by a backup, and starts it.
async fn restored(host: &mut TestHost, backup: &Path) -> Value {
    std::fs::remove_dir_all(host.folder().join("data")).expect("the data is lost");
    let report = host.cli_json(&["restore", &backup.display().to_string()]).await;
    host.start_again().await;
    report
}

#[tokio::test]
async fn a_restored_host_has_all_that_was_acknowledged_before_the_backup() {
    let mut host = TestHost::new().start().await;
    let backups = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Vec::new();
    // Killed at some moment while it writes a backup: what is left is complete, or refused.
    for round in 0..4_u64 {
        for number in 0..20 {
            let id = format!("event-{round}-{number:02}");
            assert!(post(&host, &id).await);
            acknowledged.push(id);
        }
        let cut_off = backups.path().join(format!("cut-off-{round}"));
        let path = cut_off.display().to_string();
        let arguments = ["backup", &path];
        let kill = async {
            while !cut_off.exists() {
                tokio::task::yield_now().await;
            }
            for _ in 0..round * 200 {
                tokio::task::yield_now().await;
            }
        };
        {
            let backing_up = host.cli(&arguments);
            tokio::pin!(backing_up);
            let is_killed = tokio::select! {
                _ = &mut backing_up => false,
                () = kill => true,
            };
            if is_killed {
                let pid = host.pid().expect("it runs").to_string();
                let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
                assert!(killed.is_ok_and(|status| status.success()));
                backing_up.await;
            }
        }
        host.kill();
        let verified = host.cli(&["restore", &path, "--verify"]).await;
        if cut_off.join("backup.json").exists() {
            verified.ok();
        } else {
            verified.exits(5).says(&["was not finished"]);
        }
        host.start_again().await;
    }
    let backup = backups.path().join("whole");
    let report = host.cli_json(&["backup", &backup.display().to_string(), "--reason", "a test"]).await;
    assert!(report["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{report:#}");
    assert!(post(&host, "after").await);
    host.stop().await;

    let report = restored(&mut host, &backup).await;
    assert_eq!(report["contents"]["installations"], 0, "{report:#}");
    assert_eq!(ids(&host).await, acknowledged);
    assert_eq!(host.cli_json(&["audit", "verify"]).await["sound"], true);
    assert!(post(&host, "goes-on").await);
}

#[tokio::test]
async fn a_backup_is_restored_only_into_an_empty_data_folder() {
    let mut host = TestHost::new().start().await;
    assert!(post(&host, "kept").await);
    let backups = tempfile::tempdir().expect("a folder");
    let backup = backups.path().join("one").display().to_string();
    host.cli(&["backup", &backup]).await.ok().says(&["backup written", "restore"]);
    host.cli(&["backup", &backup]).await.exits(6).says(&["not empty"]);
    let inside = host.folder().join("data/backup").display().to_string();
    host.cli(&["backup", &inside]).await.exits(6).says(&["outside the data folder"]);
    host.stop().await;
    host.cli(&["restore", &backup]).await.exits(5).says(&["not empty", "move the old data folder away"]);
    host.start_again().await;
    assert_eq!(ids(&host).await, ["kept"]);
}
