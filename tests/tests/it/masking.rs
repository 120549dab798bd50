//! Masked events and cases through the real program: nothing personal is left, and what is masked still works.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use handoff_tests::harness::{SOON, TestHost, handoff_binary};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::{Value, json};

use crate::lead_path::listed_once;

fn mask(folder: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(handoff_binary());
    command.arg("mask").args(args).current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null());
    command.env("XDG_CONFIG_HOME", folder.join("own")).env_remove("HANDOFF_CONFIG").output().expect("the program runs")
}

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below a folder, as one text.
fn all_text(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            text.push_str(&all_text(&entry.path()));
        } else {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).expect("a file")));
        }
    }
    text
}

#[test]
fn the_key_is_private_and_nothing_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": {"name": "Jane Roe"}});
    fs::write(folder.path().join("events.json"), event.to_string()).expect("written");
    let done = mask(folder.path(), &["events.json"]);
    assert!(done.status.success() && told(&done).contains("made a key in"), "{}", told(&done));
    let key = folder.path().join("own/handoff/mask.key");
    assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    let key_text = fs::read_to_string(&key).expect("a key");
    assert!(!told(&done).contains(key_text.trim()), "the key is never printed");
    let masked = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(!masked.contains("Jane") && !masked.contains("Roe"), "{masked}");
    assert_eq!(mask(folder.path(), &["events.json"]).stdout, done.stdout, "the same key gives the same");
    let other = mask(folder.path(), &["events.json", "--key", "other.key"]);
    assert_ne!(other.stdout, done.stdout);

    let report = mask(folder.path(), &["events.json", "--out", "masked.json", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(
        (&report["masked"]["event"], &report["masked"]["name or address"]),
        (&json!(1), &json!(1)),
        "{report:#}"
    );
    for out in ["masked.json", "events.json"] {
        let refused = mask(folder.path(), &["events.json", "--out", out]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(told(&refused).contains(&format!("{out} exists, and nothing is replaced")), "{}", told(&refused));
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    let refused = mask(folder.path(), &["events.json"]);
    assert!(
        refused.status.code() == Some(6) && told(&refused).contains("others can read the key file"),
        "{}",
        told(&refused)
    );
}

#[tokio::test]
async fn masked_events_fill_another_host() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let leads: Vec<Lead> = (700..704).map(Lead::new).collect();
    for lead in &leads {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    listed_once(&crm, &leads, SOON).await;
    host.quiet().await;

    let other_crm = Crm::start().await;
    let staging = TestHost::new().with_lead_handoff(&other_crm).start().await;
    // `handoff events --cloudevents --type com.handoff.lead.received.v1 | handoff mask - | handoff send -`
    let events = host.cli(&["events", "--cloudevents", "--type", "com.handoff.lead.received.v1"]).await.ok();
    let plain = events.stdout.clone();
    fs::write(staging.folder().join("plain.json"), &plain).expect("written");
    let masked = mask(staging.folder(), &["plain.json", "--keep", "status"]);
    assert!(masked.status.success(), "{}", told(&masked));
    let text = String::from_utf8_lossy(&masked.stdout).into_owned();
    assert_eq!(text.lines().count(), leads.len(), "one event on each line");
    for lead in &leads {
        for value in lead.email.iter().chain([&lead.last]) {
            let lower = value.to_lowercase();
            assert!(plain.to_lowercase().contains(&lower), "{value} is not in {plain}");
            assert!(!text.to_lowercase().contains(&lower), "{value} is left: {text}");
        }
    }
    fs::write(staging.folder().join("masked.json"), &text).expect("written");
    let sent = staging.cli_json(&["send", "masked.json"]).await;
    assert_eq!(sent["events"].as_array().map(Vec::len), Some(leads.len()), "{sent:#}");
    let again = staging.cli_json(&["send", "masked.json"]).await;
    assert_eq!(again["events"][0]["duplicate"], true, "{again:#}");
    assert_eq!(staging.events("com.handoff.lead.received.v1").await.len(), leads.len());
}

#[tokio::test]
async fn an_exported_case_is_masked_unless_told_otherwise() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let lead = Lead::new(710);
    host.post_lead(&lead.adf()).await.expect(202);
    listed_once(&crm, std::slice::from_ref(&lead), SOON).await;
    host.quiet().await;
    let export = ["replay", "1", "--installation", "web-leads", "--export"];
    host.cli(&[&export[..], &["cases"]].concat()).await.ok().says(&["customers' data is masked"]);
    let plain = [&export[..], &["plain-cases", "--unmasked"]].concat();
    host.cli(&plain).await.ok().says(&["warning: it holds customers' data as it is"]);
    let (masked, plain) = (all_text(&host.folder().join("cases")), all_text(&host.folder().join("plain-cases")));
    for value in [&lead.first, &lead.last].into_iter().chain(&lead.email).chain(&lead.phone) {
        assert!(plain.contains(value.as_str()), "{value} is not in {plain}");
        assert!(!masked.contains(value.as_str()), "{value} is left: {masked}");
    }
    // A folder of cases gives the same as the export: the same key, the same values.
    let done = host.cli(&["mask", "plain-cases", "--out", "masked-again"]).await.ok();
    assert!(done.stdout.contains("1 case"), "{}", done.stdout);
    assert_eq!(all_text(&host.folder().join("masked-again")), masked);
}
