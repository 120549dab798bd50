//! The bad release, and how it comes: with `handoff upgrade`, as a person brings it. Takes nothing back.

use std::fs;
use std::path::PathBuf;

use bad_release::Fault;
use handoff_tests::harness::{CONTROL_TOKEN, CliOutput, TestHost, bad_release, kept_folder};
use serde_json::{Value, json};

use crate::round::NAME;

/// The command's exit code when it may not go on without a yes.
const NEEDS_APPROVAL: i32 = 5;
/// Stands before the code of the report, in what the command says then.
const APPROVE: &str = "--approve ";

/// A bad version 1.1.0, built and compiled once for all hosts that are drilled with it.
pub(crate) struct Release {
    pub(crate) fault: Fault,
    package: PathBuf,
    /// What the first host compiled, for those after it.
    pub(crate) code: PathBuf,
}

/// What an upgrade came to.
#[derive(Clone, Debug)]
pub(crate) struct Upgraded {
    pub(crate) generation: u64,
    /// Somebody had to agree to the report.
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
            // Code of what is no more.
            let _ = fs::remove_dir_all(&code);
        }
        fs::rename(made, &package).expect("moved");
        Self { fault, package, code }
    }

    /// Replaces what is there. `before` is how it went the last time on this host.
    pub(crate) async fn upgrade(&self, host: &TestHost, before: Option<&Upgraded>) -> Result<Upgraded, String> {
        match before {
            // The command runs the newest events through the version first, for its report: one that hangs keeps it busy
            // for the five seconds that it takes at most. Once is enough, afterwards only its second half comes.
            Some(before) if self.fault == Fault::Hang => made(&second_half(host, before).await?, false),
            _ => self.command(host).await,
        }
    }

    async fn command(&self, host: &TestHost) -> Result<Upgraded, String> {
        let package = self.package.display().to_string();
        // It was left before: only with force it comes again.
        let args = ["upgrade", NAME, &package, "--force", "--reason", "1.1.0 is out", "--json"];
        let said = host.cli(&args).await;
        if said.code != NEEDS_APPROVAL {
            return made(&report(&said)?, false);
        }
        let code = code_in(&said).ok_or_else(|| format!("no code to agree with: {said}"))?;
        let said = host.cli(&[&args[..], &["--approve", &code]].concat()).await;
        made(&report(&said)?, true)
    }
}

fn report(said: &CliOutput) -> Result<Value, String> {
    if said.code == 0 { Ok(said.json()) } else { Err(format!("the bad release did not come: {said}")) }
}

/// The code that the command names when it asks for a yes.
fn code_in(said: &CliOutput) -> Option<String> {
    let (_, rest) = [&said.stderr, &said.stdout].into_iter().find_map(|text| text.split_once(APPROVE))?;
    let code: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    (!code.is_empty()).then_some(code)
}

/// What the command asks of the host once its report is agreed to.
async fn second_half(host: &TestHost, before: &Upgraded) -> Result<Value, String> {
    let url = host.control_url(&format!("/v1/installations/{NAME}/upgrade"));
    let request = json!({ "digest": before.digest, "by": "the drill", "force": true });
    let sent = host.client().post(url).bearer_auth(CONTROL_TOKEN).json(&request).send().await;
    let answer = sent.map_err(|error| format!("the upgrade was not answered: {error}"))?;
    let status = answer.status();
    let report: Value = answer.json().await.map_err(|error| format!("half an answer: {error}"))?;
    if status.is_success() { Ok(report) } else { Err(format!("the bad release did not come: {report}")) }
}

fn made(report: &Value, is_agreed: bool) -> Result<Upgraded, String> {
    let generation = report["generation"].as_u64().filter(|_| report["applied"] == true && report["kind"] == "upgrade");
    let digest = report["digest"].as_str();
    let (Some(generation), Some(digest)) = (generation, digest) else { return Err(format!("no upgrade: {report}")) };
    let keys_migrated = report["keysMigrated"].as_u64().unwrap_or_default();
    Ok(Upgraded { generation, is_agreed, keys_migrated, digest: digest.to_owned() })
}
