//! The bad release and its rollout with `handoff upgrade`. It rolls nothing back.

use std::fs;
use std::path::PathBuf;

use bad_release::Fault;
use handoff_tests::harness::{CONTROL_TOKEN, CliOutput, TestHost, bad_release, kept_folder};
use serde_json::{Value, json};

use crate::round::NAME;

/// The exit code when the command needs an approval.
const NEEDS_APPROVAL: i32 = 5;
/// Precedes the code of the report in the command's output.
const APPROVE: &str = "--approve ";

/// A bad version 1.1.0, built and compiled once for all hosts of the drill.
pub(crate) struct Release {
    pub(crate) fault: Fault,
    package: PathBuf,
    /// Code compiled by the first host, for the next ones.
    pub(crate) code: PathBuf,
}

/// The result of an upgrade.
#[derive(Clone, Debug)]
pub(crate) struct Upgraded {
    pub(crate) generation: u64,
    /// Whether the report needed an approval.
    pub(crate) is_agreed: bool,
    pub(crate) keys_migrated: u64,
    digest: String,
}

impl Release {
    /// Kept in the target folder: compiling takes longer than a run.
    pub(crate) fn build(fault: Fault) -> Self {
        let folder = kept_folder("drill").join(fault.name());
        fs::create_dir_all(&folder).expect("a folder");
        let (package, code) = (folder.join("release.wasm"), folder.join("code"));
        let before = fs::read(&package).unwrap_or_default();
        let made = bad_release(fault, &folder);
        if fs::read(&made).expect("the release") != before {
            // Code of an older build.
            let _ = fs::remove_dir_all(&code);
        }
        fs::rename(made, &package).expect("moved");
        Self { fault, package, code }
    }

    /// Upgrades the installation. `before` is the result of the previous upgrade on this host.
    pub(crate) async fn upgrade(&self, host: &TestHost, before: Option<&Upgraded>) -> Result<Upgraded, String> {
        match before {
            // The command runs the newest events through the version first, for its report: a release that hangs takes
            // the maximum of five seconds. Once is enough; later upgrades only request the second half.
            Some(before) if self.fault == Fault::Hang => made(&second_half(host, before).await?, false),
            _ => self.command(host).await,
        }
    }

    async fn command(&self, host: &TestHost) -> Result<Upgraded, String> {
        let package = self.package.display().to_string();
        // An earlier rollback left it: only `--force` installs it again.
        let args = ["upgrade", NAME, &package, "--force", "--reason", "1.1.0 is out", "--json"];
        let said = host.cli(&args).await;
        if said.code != NEEDS_APPROVAL {
            return made(&report(&said)?, false);
        }
        let code = code_in(&said).ok_or_else(|| format!("no approval code: {said}"))?;
        let said = host.cli(&[&args[..], &["--approve", &code]].concat()).await;
        made(&report(&said)?, true)
    }
}

fn report(said: &CliOutput) -> Result<Value, String> {
    if said.code == 0 { Ok(said.json()) } else { Err(format!("the upgrade to the bad release failed: {said}")) }
}

/// The approval code in the command's output.
fn code_in(said: &CliOutput) -> Option<String> {
    let (_, rest) = [&said.stderr, &said.stdout].into_iter().find_map(|text| text.split_once(APPROVE))?;
    let code: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    (!code.is_empty()).then_some(code)
}

/// The request that the command sends after its report is approved.
async fn second_half(host: &TestHost, before: &Upgraded) -> Result<Value, String> {
    let url = host.control_url(&format!("/v1/installations/{NAME}/upgrade"));
    let request = json!({ "digest": before.digest, "by": "the drill", "force": true });
    let sent = host.client().post(url).bearer_auth(CONTROL_TOKEN).json(&request).send().await;
    let answer = sent.map_err(|error| format!("no response to the upgrade: {error}"))?;
    let status = answer.status();
    let report: Value = answer.json().await.map_err(|error| format!("truncated response: {error}"))?;
    if status.is_success() { Ok(report) } else { Err(format!("the upgrade to the bad release failed: {report}")) }
}

fn made(report: &Value, is_agreed: bool) -> Result<Upgraded, String> {
    let generation = report["generation"].as_u64().filter(|_| report["applied"] == true && report["kind"] == "upgrade");
    let digest = report["digest"].as_str();
    let (Some(generation), Some(digest)) = (generation, digest) else { return Err(format!("no upgrade: {report}")) };
    let keys_migrated = report["keysMigrated"].as_u64().unwrap_or_default();
    Ok(Upgraded { generation, is_agreed, keys_migrated, digest: digest.to_owned() })
}
