//! One round: the bad release comes, is at work for a while, and is taken back with one command. Notes when; judges nothing.

use std::path::Path;
use std::time::Duration;

use bad_release::Fault;
use handoff_tests::harness::{CONTROL_TOKEN, TestHost};
use serde_json::{Value, json};
use toml::Table;

use crate::crm::now_ms;
use crate::options::Options;

/// The installation whose release is bad.
pub(crate) const NAME: &str = "bdc-list";
/// The command waits for nothing that takes long, or it is of no use.
const PATIENCE: Duration = Duration::from_secs(60);

/// When things happened, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// The bad release became active, or was about to.
    pub(crate) upgrading: f64,
    /// The command was given.
    pub(crate) commanded: f64,
    /// It had returned.
    pub(crate) returned: f64,
    /// The generation that the rollback made.
    pub(crate) generation: u64,
    /// What it says about itself.
    pub(crate) report: Value,
}

/// Runs one.
pub(crate) async fn run(
    host: &TestHost,
    options: &Options,
    fault: Fault,
    package: &Path,
    settings: &Table,
) -> Result<Round, String> {
    tokio::time::sleep(options.good).await;
    let upgrading = now_ms();
    upgrade(host, package, settings).await?;
    tokio::time::sleep(options.bad).await;
    // The connection is there already, as a person's terminal is.
    let _ = host.control("/v1/status").await;
    let commanded = now_ms();
    let report = roll_back(host, fault).await?;
    let returned = now_ms();
    let generation = report["newGeneration"].as_u64().ok_or_else(|| format!("no generation: {report}"))?;
    tokio::time::sleep(options.good).await;
    Ok(Round { upgrading, commanded, returned, generation, report })
}

async fn upgrade(host: &TestHost, package: &Path, settings: &Table) -> Result<(), String> {
    let file = host.write_settings(NAME, settings);
    // It was left before: only by name and with force it comes again.
    let args = ["install", NAME, &package.display().to_string(), "-s", &file, "--yes", "--force"];
    let said = host.cli(&args).await;
    if said.code == 0 { Ok(()) } else { Err(format!("the bad release was not installed: {said}")) }
}

async fn roll_back(host: &TestHost, fault: Fault) -> Result<Value, String> {
    let url = host.control_url(&format!("/v1/installations/{NAME}/rollback"));
    let mut request = json!({ "by": "the drill", "reason": format!("1.1.0 is bad: {}", fault.name()) });
    if is_replayed(fault) {
        request["restoreState"] = true.into();
        request["replay"] = true.into();
    }
    let sent = host.client().post(url).bearer_auth(CONTROL_TOKEN).timeout(PATIENCE).json(&request).send().await;
    let answer = sent.map_err(|error| format!("the rollback was not answered: {error}"))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| format!("half an answer: {error}"))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    if status.is_success() { Ok(report) } else { Err(format!("the rollback was refused: {report}")) }
}

/// What such a release kept is wrong: its state goes back, and what it handled is handled again.
pub(crate) fn is_replayed(fault: Fault) -> bool {
    matches!(fault, Fault::WrongState | Fault::WrongRequests)
}
