//! Checks the configuration, whether a host answers, and what it reports.

use std::path::Path;

use super::Finding;
use crate::args::GlobalArgs;
use crate::connection;
use crate::style::{count, span};
use handoff_config::Config;
use handoff_control::client::{Client, ClientError};
use handoff_control::host::status;
use handoff_control::host::status::HostState;
use handoff_control::incidents::IncidentView;
use handoff_control::operation::Nothing;
use handoff_model::time::{Clock as _, SystemClock};

/// Maximum difference between the host's clock and this machine's clock, in milliseconds.
const CLOCK_APART_MS: u64 = 5_000;

pub(super) fn configuration(path: &Path) -> Finding {
    const NAME: &str = "configuration";
    if !path.exists() {
        let found = format!("there is no {}", path.display());
        return Finding::warn(
            NAME,
            found,
            "`handoff check --example > handoff.toml` writes one to start from; or name yours with --config",
        );
    }
    match Config::load(path) {
        Ok(_) => Finding::ok(NAME, path.display().to_string()),
        Err(errors) => {
            let number = u64::try_from(errors.problems.len()).unwrap_or(u64::MAX);
            let found = format!("{}: {}", path.display(), count(number, "problem", "problems"));
            Finding::fail(NAME, found, "`handoff check` shows each with its place and what to write")
        }
    }
}

/// Whether a host answers, and each of its open incidents.
pub(super) async fn reachable(global: &GlobalArgs) -> Vec<Finding> {
    const NAME: &str = "host";
    let host = match connection::target(global).and_then(|target| Ok(Client::new(target)?)) {
        Ok(host) => host,
        Err(error) => return vec![Finding::skip(NAME, error.to_string())],
    };
    let mut incidents = Vec::new();
    let finding = match host.get(&status::SHOW, &[], &Nothing {}).await {
        Ok(status) => {
            let now = SystemClock.now();
            let apart = now.since_ms(status.now.0).max(status.now.0.since_ms(now));
            let found = format!("version {} answers at {}", status.version, host.target());
            incidents.extend(status.incidents.into_iter().map(incident));
            match status.state {
                _ if apart > CLOCK_APART_MS => {
                    let found = format!("{found}; its clock is {} apart from this one", span(apart));
                    Finding::warn(NAME, found, "keep both machines' clocks with NTP")
                }
                HostState::Ready => Finding::ok(NAME, found),
                HostState::Blocked => {
                    let problem = status.problem.unwrap_or_default();
                    let advice = "make room on the disk: the host then goes on by itself";
                    Finding::fail(NAME, format!("{found}; it acknowledges nothing: {problem}"), advice)
                }
                HostState::Failed => {
                    let problem = status.problem.unwrap_or_default();
                    let advice = "free or mend the disk, then start the host again: what it acknowledged is kept";
                    Finding::fail(NAME, format!("{found}; its store has stopped: {problem}"), advice)
                }
                HostState::Recovering | HostState::Stopping | HostState::Stopped => {
                    Finding::warn(NAME, format!("{found}; it is not ready"), "ask again in a moment")
                }
            }
        }
        Err(ClientError::Unreachable { reason, is_down: true, .. }) => {
            Finding::skip(NAME, format!("none runs at {} ({reason})", host.target()))
        }
        Err(error) => Finding::fail(NAME, error.to_string(), "see above; then `handoff status`"),
    };
    incidents.insert(0, finding);
    incidents
}

/// What the host stopped or refuses by itself fails; what a person has yet to look at is a warning.
fn incident(incident: IncidentView) -> Finding {
    const NAME: &str = "incident";
    let waits = incident.waits.map_or_else(String::new, |waits| format!("; waits: {waits}"));
    let found = format!("{}{waits}", incident.message);
    if incident.closes_itself {
        Finding::fail(NAME, found, incident.command.unwrap_or_else(|| "`handoff incidents` shows more".to_owned()))
    } else {
        let close = || format!("look at it, then handoff incidents close {}", incident.id);
        Finding::warn(NAME, found, incident.command.unwrap_or_else(close))
    }
}
