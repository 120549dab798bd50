//! The audit log: one entry for one change, whatever the command.

use handoff_tests::harness::{TestHost, bdc_list, component, restamped, web_leads};
use handoff_tests::simulators::crm::{Crm, Mode};

async fn number(host: &TestHost) -> u64 {
    host.cli_json(&["audit", "--limit", "1"]).await["head"]["number"].as_u64().expect("a number")
}

/// Runs a command, and asserts that it added one entry with this action.
async fn adds(host: &TestHost, action: &str, args: &[&str]) {
    let before = number(host).await;
    host.cli(args).await.ok();
    let audit = host.cli_json(&["audit", "--after", &before.to_string()]).await;
    let actions: Vec<&str> =
        audit["entries"].as_array().into_iter().flatten().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions, [action], "{args:?}: {audit:#}");
}

#[tokio::test]
async fn each_changing_command_adds_one_entry() {
    let crm = Crm::start().await;
    crm.set(Mode::Down);
    let host = TestHost::new().start().await;
    let [package, newer] = [component("adf-leads"), restamped("adf-leads", "1.1.0", host.folder())];
    let [package, newer] = [&package, &newer].map(|path| path.to_str().expect("a path"));
    let mut settings = web_leads(&host.inbox());
    let file = host.write_settings("web-leads", &settings);
    adds(&host, "install", &["install", "web-leads", package, "-s", &file, "--yes"]).await;
    settings["config"].as_table_mut().expect("config").insert("default-country".to_owned(), "CA".into());
    let other = host.write_settings("other", &settings);
    // Another version and other settings at once.
    let plan = host.cli_json(&["upgrade", "web-leads", newer, "-s", &other, "--dry-run"]).await;
    let code = plan["approvalCode"].as_str().expect("a code");
    adds(&host, "upgrade", &["upgrade", "web-leads", newer, "-s", &other, "--approve", code]).await;
    adds(&host, "pause", &["pause", "web-leads"]).await;
    adds(&host, "rollback", &["rollback", "web-leads"]).await;
    adds(&host, "resume", &["resume", "web-leads"]).await;
    let plan = host.cli_json(&["upgrade", "web-leads", "-s", &other, "--dry-run"]).await;
    let code = plan["approvalCode"].as_str().expect("a code");
    adds(&host, "reconfigure", &["upgrade", "web-leads", "-s", &other, "--approve", code]).await;
    adds(&host, "rollback", &["rollback", "web-leads", "--restore-state", "--replay"]).await;

    // What changes nothing has no entry.
    let before = number(&host).await;
    for args in [&["resume", "web-leads"][..], &["retry-now", "web-leads"], &["rollback", "web-leads", "--dry-run"]] {
        host.cli(args).await;
    }
    assert_eq!(number(&host).await, before);

    host.post_lead("no lead at all").await.expect(202);
    host.post_lead("nor is this").await.expect(202);
    host.wait_dead_letters(2).await;
    let letters = host.dead_letters().await;
    let id = |index: usize| letters[index]["id"].as_str().expect("an id").to_owned();
    adds(&host, "discard", &["discard", &id(0), "--reason", "a test"]).await;
    adds(&host, "redrive", &["redrive", &id(1)]).await;
    let folder = host.folder().join("copy");
    adds(&host, "backup", &["backup", folder.to_str().expect("a path")]).await;
    let lock = host.cli(&["lock"]).await.ok().stdout;
    std::fs::write(host.folder().join("handoff.lock"), lock).expect("written");
    adds(&host, "uninstall", &["uninstall", "web-leads", "--yes"]).await;
    adds(&host, "install", &["apply", "--yes"]).await;
    host.install("bdc-list", &component("bdc-list"), &bdc_list(&crm)).await.ok();
    host.cli(&["audit", "verify"]).await.ok();
}

#[tokio::test]
async fn shown_settings_are_a_file_for_an_upgrade() {
    let host = TestHost::new().start().await;
    host.install("web-leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();
    let text = host.cli(&["show", "web-leads", "--settings"]).await.ok().stdout;
    assert!(text.contains("rooftop = ") && text.contains("[config]"), "{text}");
    std::fs::write(host.folder().join("shown.toml"), &text).expect("written");
    let report = host.cli_json(&["upgrade", "web-leads", "-s", "shown.toml", "--dry-run"]).await;
    assert_eq!(report["unchanged"], true, "{report:#}");
    for args in [&["help"][..], &["help", "rollback"], &["help", "registry", "serve"], &["version"]] {
        host.cli(args).await.ok().says(&["handoff"]);
    }
    host.cli(&["help", "no-such-command"]).await.exits(2);
    assert!(host.cli_json(&["version"]).await["version"].is_string());
}
