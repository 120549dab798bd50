//! Opens a closed gate because a person knows that the target works: the requests that wait for it are due at once.

use handoff_control::gates::{GateRequest, OpenReport};
use handoff_model::actor::Identity;
use handoff_model::names::{InstallationId, Position};
use handoff_store::{NewAudit, OutboxState};
use url::Url;

use super::remember::name;
use crate::error::AppError;
use crate::shard::Shard;
use std::sync::Arc;

use crate::shard::blocking;

/// Requests read to find those that wait for a target.
const READ_MAX: usize = 100_000;
/// Requests read, and made due, at once.
const BATCH: usize = 500;

impl Shard {
    /// Opens a gate. A target that fails or asks to wait again closes it again.
    pub async fn open_gate(self: &Arc<Self>, caller: &Identity, request: GateRequest) -> Result<OpenReport, AppError> {
        let GateRequest { target, profile, by, reason } = request;
        let machinery = self.process.machinery.as_ref().ok_or(AppError::HostStopped)?;
        let found = machinery.egress.open_gate(&target, profile.as_deref());
        let was_closed = found.ok_or_else(|| {
            let profile = profile.as_ref().map_or_else(String::new, |profile| format!(" with the profile `{profile}`"));
            AppError::NotFound { what: format!("gate to `{target}`{profile}: `handoff gates` lists them") }
        })?;
        if !was_closed {
            return Ok(OpenReport { target, profile, was_closed, requests: 0 });
        }
        let detail = serde_json::json!({ "target": target, "profile": profile, "reason": reason });
        let audit = NewAudit {
            at: self.now(),
            by: caller.acting(by.as_deref()),
            action: "gate-open",
            subject: "host".to_owned(),
            detail_json: detail.to_string(),
            scopes: Vec::new(),
        };
        self.store.set_gate(name(&target, profile.as_deref()), None, Some(audit)).await?;
        let (shard, wanted) = (self.clone(), target.clone());
        let waiting = blocking(move || shard.waiting_for(&wanted)).await??;
        let mut requests = 0;
        for batch in waiting.chunks(BATCH) {
            requests += self.store.hurry_requests(batch.to_vec(), self.now()).await?;
        }
        Ok(OpenReport { target, profile, was_closed, requests: u64::try_from(requests).unwrap_or(u64::MAX) })
    }

    /// Pending requests to a target that are due later.
    fn waiting_for(&self, target: &str) -> Result<Vec<(InstallationId, Position)>, AppError> {
        let (now, mut waiting, mut read) = (self.now(), Vec::new(), 0);
        for installation in self.store.installations() {
            let mut after = None;
            while read < READ_MAX && self.store.counts(installation.id).outbox_pending > 0 {
                let entries = self.store.outbox(installation.id, after, BATCH)?;
                let Some(last) = entries.last() else { break };
                after = Some(last.position);
                read += entries.len();
                let is_late = |state: &OutboxState| matches!(state, OutboxState::Pending { due, .. } if *due > now);
                let these = entries.iter().filter(|entry| is_late(&entry.state) && goes_to(&entry.target, target));
                waiting.extend(these.map(|entry| (installation.id, entry.position)));
            }
        }
        Ok(waiting)
    }
}

/// Whether a request, as method and URL, goes to a target, as host and port.
fn goes_to(request: &str, target: &str) -> bool {
    let url = request.split_once(' ').and_then(|(_, url)| Url::parse(url).ok());
    url.is_some_and(|url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        format!("{host}:{}", url.port_or_known_default().unwrap_or_default()) == target
    })
}
