//! One round: the bad release is rolled out, runs for a while, and is rolled back, with one command or by the host
//! itself. It records times and judges nothing.

use std::time::{Duration, Instant};

use bad_release::Fault;
use handoff_tests::harness::{CONTROL_TOKEN, TestHost};
use serde_json::{Value, json};

use crate::crm::now_ms;
use crate::options::{Mode, Options};
use crate::release::{Release, Upgraded};

/// The installation whose release is bad.
pub(crate) const NAME: &str = "bdc-list";
/// The command must not wait for anything slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// By then probation has detected the problem, or it never will.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// Interval between checks whether the host has rolled back.
const LOOK: Duration = Duration::from_millis(10);

/// Why a round cannot be judged.
pub(crate) enum Trouble {
    /// Something took too long or did not happen. Says nothing about the promises.
    Disturbed(String),
    /// Something failed that must always work.
    Broken(String),
}

/// Times in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// The bad release became active, or was about to.
    pub(crate) upgrading: f64,
    pub(crate) upgraded: Upgraded,
    pub(crate) back: Back,
    /// It was rolled back, and the caller knew.
    pub(crate) returned: f64,
    /// The generation that the rollback created.
    pub(crate) generation: u64,
}

/// How it was rolled back.
#[derive(Clone, Debug)]
pub(crate) enum Back {
    /// With the command: when it was sent, and its response.
    Command { commanded: f64, report: Value },
    /// By the host.
    ByItself,
    /// With the command, because the host detected nothing.
    Unseen,
}

/// Runs a round. `last` is the previous round on the same host.
pub(crate) async fn run(
    host: &TestHost,
    options: &Options,
    mode: Mode,
    release: &Release,
    last: Option<&Round>,
) -> Result<Round, Trouble> {
    tokio::time::sleep(options.good).await;
    let upgrading = now_ms();
    let upgraded = release.upgrade(host, last.map(|last| &last.upgraded)).await.map_err(Trouble::Disturbed)?;
    let (back, generation) = match mode {
        Mode::Command => {
            tokio::time::sleep(options.bad).await;
            by_command(host, release.fault).await?
        }
        Mode::Probation => by_itself(host, &upgraded).await?,
    };
    let returned = now_ms();
    Ok(Round { upgrading, upgraded, back, returned, generation })
}

async fn by_command(host: &TestHost, fault: Fault) -> Result<(Back, u64), Trouble> {
    // The connection exists already, as for an operator at a terminal.
    let _ = host.control("/v1/status").await;
    let mut request = json!({ "by": "the drill", "reason": format!("1.1.0 is bad: {}", fault.name()) });
    if is_replayed(fault) {
        request["restoreState"] = true.into();
        request["replay"] = true.into();
    }
    let commanded = now_ms();
    let report = roll_back(host, &request).await.map_err(Trouble::Broken)?;
    let generation = report["newGeneration"].as_u64();
    let generation = generation.ok_or_else(|| Trouble::Broken(format!("no generation: {report}")))?;
    Ok((Back::Command { commanded, report }, generation))
}

/// Waits for the host; rolls back with the command only if the host detects nothing.
async fn by_itself(host: &TestHost, upgraded: &Upgraded) -> Result<(Back, u64), Trouble> {
    let deadline = Instant::now() + SEEN_WITHIN;
    while Instant::now() < deadline {
        if let Some(generation) = active(host).await.filter(|active| *active > upgraded.generation) {
            return Ok((Back::ByItself, generation));
        }
        tokio::time::sleep(LOOK).await;
    }
    // To exactly this generation: the host may have rolled back by now.
    let request = json!({
        "by": "the drill", "reason": "the host does not detect it", "toGeneration": upgraded.generation - 1,
    });
    match roll_back(host, &request).await {
        Ok(report) => Ok((Back::Unseen, report["newGeneration"].as_u64().unwrap_or_default())),
        Err(error) => Err(Trouble::Disturbed(format!("the host did not roll back by itself, and then: {error}"))),
    }
}

async fn active(host: &TestHost) -> Option<u64> {
    host.control(&format!("/v1/installations/{NAME}")).await?["generation"].as_u64()
}

async fn roll_back(host: &TestHost, request: &Value) -> Result<Value, String> {
    let url = host.control_url(&format!("/v1/installations/{NAME}/rollback"));
    let sent = host.client().post(url).bearer_auth(CONTROL_TOKEN).timeout(PATIENCE).json(request).send().await;
    let answer = sent.map_err(|error| format!("no response to the rollback: {error}"))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| format!("truncated response: {error}"))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    if status.is_success() { Ok(report) } else { Err(format!("the rollback was refused: {report}")) }
}

/// Whether the state of this release is wrong: it must be restored, and its events replayed.
pub(crate) fn is_replayed(fault: Fault) -> bool {
    matches!(fault, Fault::WrongState | Fault::WrongRequests)
}
