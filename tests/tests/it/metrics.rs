//! Metrics as Prometheus gets them: scraped from the program's own listener, and checked with Prometheus' own tool. If
//! `promtool` is missing, the test says so; in continuous integration (`CI=true`), where `.ci/setup` gets it, it fails.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use handoff_tests::harness::{TestHost, eventually};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;

use crate::lead_path::listed;

/// In the target folder, where `.ci/setup` puts it, or on the path.
fn promtool() -> Option<PathBuf> {
    let program = std::env::current_exe().expect("this program has a path");
    let unpacked = program.ancestors().map(|folder| folder.join("promtool/usr/bin/promtool"));
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&folders).map(|folder| folder.join("promtool")).collect::<Vec<_>>();
    let found = unpacked.chain(installed).find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "promtool is missing: .ci/setup gets it");
        println!("skipped: promtool is missing; .ci/setup gets it");
    }
    found
}

/// What `promtool check metrics` says about a text; nothing if it is well.
fn complaints(promtool: &PathBuf, text: &str) -> String {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("promtool ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { said } else { format!("{}: {said}", output.status) }
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_metrics_of_a_host_with_leads() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).config("[metrics]\nlisten = \"127.0.0.1:0\"\n").start().await;
    let lead = Lead::new(700);
    host.post_lead(&lead.adf()).await.expect(202);
    listed(&crm, &lead).await;
    host.post_lead("not a lead").await.expect(202);
    host.wait_dead_letters(1).await;

    let log = host.log();
    let url = log.split("metrics at ").nth(1).and_then(|rest| rest.lines().next()).expect("the listener's address");
    let text = eventually("the answer of the CRM is counted", async || {
        let text = host.client().get(url).send().await.ok()?.text().await.ok()?;
        text.contains(",outcome=\"answered\"} 1").then_some(text)
    })
    .await;
    for line in [
        "handoff_deliveries_total{installation=\"web-leads\",rooftop=\"main-street\",outcome=\"committed\"} 1",
        "handoff_deliveries_total{installation=\"web-leads\",rooftop=\"main-street\",outcome=\"dead-letter\"} 1",
        "handoff_dead_letters{installation=\"web-leads\",rooftop=\"main-street\"} 1",
        "handoff_outbox_attempts_total{installation=\"bdc-list\",rooftop=\"main-street\",outcome=\"answered\"} 1",
        "handoff_host_state{state=\"ready\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    let failed = "handoff_delivery_failures_total{installation=\"web-leads\",rooftop=\"main-street\",code=\"";
    assert!(text.lines().any(|line| line.starts_with(failed) && line.ends_with("} 1")), "{text}");
    let target = format!("handoff_gate_closed{{target=\"127.0.0.1:{}\",profile=\"crm\"}} 0", crm.port());
    assert!(text.lines().any(|line| line == target), "{target} in {text}");
    assert!(text.lines().any(|line| line.starts_with("handoff_connector_")), "{text}");
    let Some(promtool) = promtool() else { return };
    assert_eq!(complaints(&promtool, &text), "");
}
