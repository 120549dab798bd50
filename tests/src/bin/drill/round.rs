//! One round: the bad release comes, is at work for a while, and is taken back, with one command or by the host itself. Notes
//! when; judges nothing.

use std::time::{Duration, Instant};

use bad_release::Fault;
use handoff_tests::harness::{CONTROL_TOKEN, TestHost};
use serde_json::{Value, json};

use crate::crm::now_ms;
use crate::options::{Mode, Options};
use crate::release::{Release, Upgraded};

/// The installation whose release is bad.
pub(crate) const NAME: &str = "bdc-list";
/// The command waits for nothing that takes long, or it is of no use.
const PATIENCE: Duration = Duration::from_secs(60);
/// Probation has passed its bounds by then, or does not see what is wrong.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// How often somebody looks whether the host went back.
const LOOK: Duration = Duration::from_millis(10);

/// Why there is nothing to judge.
pub(crate) enum Trouble {
    /// Something took too long, or did not come about. Says nothing of the promises.
    Disturbed(String),
    /// What must always work did not.
    Broken(String),
}

/// When things happened, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// The bad release became active, or was about to.
    pub(crate) upgrading: f64,
    pub(crate) upgraded: Upgraded,
    pub(crate) back: Back,
    /// It was taken back, and whoever did it or looked for it knew.
    pub(crate) returned: f64,
    /// The generation that the rollback made.
    pub(crate) generation: u64,
}

/// How it was taken back.
#[derive(Clone, Debug)]
pub(crate) enum Back {
    /// With the command, given at that time, and what it says about itself.
    Command { commanded: f64, report: Value },
    /// By the host.
    ByItself,
    /// With the command, because the host saw nothing.
    Unseen,
}

/// Runs one. `last` is the round before on the same host.
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
    // The connection is there already, as a person's terminal is.
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

/// Nobody types anything, unless the host sees nothing.
async fn by_itself(host: &TestHost, upgraded: &Upgraded) -> Result<(Back, u64), Trouble> {
    let deadline = Instant::now() + SEEN_WITHIN;
    while Instant::now() < deadline {
        if let Some(generation) = active(host).await.filter(|active| *active > upgraded.generation) {
            return Ok((Back::ByItself, generation));
        }
        tokio::time::sleep(LOOK).await;
    }
    // Exactly so far: it may have gone back by now.
    let request = json!({
        "by": "the drill", "reason": "the host does not see it", "toGeneration": upgraded.generation - 1,
    });
    match roll_back(host, &request).await {
        Ok(report) => Ok((Back::Unseen, report["newGeneration"].as_u64().unwrap_or_default())),
        Err(error) => Err(Trouble::Disturbed(format!("the host did not go back by itself, and then: {error}"))),
    }
}

async fn active(host: &TestHost) -> Option<u64> {
    host.control(&format!("/v1/installations/{NAME}")).await?["generation"].as_u64()
}

async fn roll_back(host: &TestHost, request: &Value) -> Result<Value, String> {
    let url = host.control_url(&format!("/v1/installations/{NAME}/rollback"));
    let sent = host.client().post(url).bearer_auth(CONTROL_TOKEN).timeout(PATIENCE).json(request).send().await;
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
