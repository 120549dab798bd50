//! `doctor`: checks whether a host can run well on this machine, and gives advice.

use serde::Serialize;

use crate::args::{DoctorArgs, GlobalArgs};
use crate::connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_config::Config;

mod disk;
mod host;
mod machine;
mod permissions;
mod secrets;

/// The results of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Findings {
    /// True if no check failed.
    pub(crate) healthy: bool,
    /// Results in the order of the checks.
    pub(crate) findings: Vec<Finding>,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was checked.
    pub(crate) name: &'static str,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) found: String,
    /// The advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// The verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    /// The host works, but with limitations.
    Warn,
    /// The host does not work.
    Fail,
    /// Could not be checked.
    Skip,
}

impl Finding {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), advice: Some(advice.into()) }
    }

    fn skip(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Skip, found: found.into(), advice: None }
    }
}

pub(crate) async fn run(global: &GlobalArgs, args: &DoctorArgs, output: &mut Output) -> Result<Exit, CliError> {
    let findings = output.while_waiting("looking", look(global, args)).await;
    let healthy = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    output.view(&Findings { healthy, findings }, show::doctor::findings)?;
    Ok(if healthy { Exit::Ok } else { Exit::Failed })
}

async fn look(global: &GlobalArgs, args: &DoctorArgs) -> Vec<Finding> {
    let mut findings = vec![host::configuration(&global.config)];
    let places = connection::places(&global.config);
    let data = args.data.clone().or_else(|| places.ok().map(|places| places.data));
    let (folder, config) = (data.clone(), global.config.clone());
    match data {
        Some(data) => match tokio::task::spawn_blocking(move || disk::look(&data)).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::fail("data folder", error.to_string(), "look at the message above")),
        },
        None => findings
            .push(Finding::skip("data folder", "the configuration does not say where it is; name it with --data")),
    }
    match tokio::task::spawn_blocking(move || permissions::look(folder.as_deref(), &config)).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::fail("permissions", error.to_string(), "look at the message above")),
    }
    let config = Config::load(&global.config).ok();
    if let Some(config) = &config {
        findings.extend(secrets::look(config).await);
    }
    findings.push(machine::open_files());
    let limits = config.map(|config| config.runtime_limits).unwrap_or_default();
    findings.push(machine::address_space(&limits));
    findings.extend(host::reachable(global).await);
    // Runs the compiler as a child process to find its libraries, so it runs off this thread.
    findings.extend(tokio::task::spawn_blocking(machine::toolchain).await.ok());
    findings
}
