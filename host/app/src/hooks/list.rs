//! Lists hooks with what came in at each, and shows the last refused webhooks of one.

use super::record::{HookRecord, RefusedWebhook};
use crate::error::AppError;
use crate::shard::{Shard, ingress_settings};
use handoff_control::hooks::{HookList, HookSummary, HookView, ReasonCount, RefusedView, UnknownHooks};
use handoff_model::installation::Installation;
use handoff_model::names::InstallationName;

impl Shard {
    /// Lists all hooks by name.
    pub fn list_hooks(&self) -> Result<HookList, AppError> {
        let mut hooks = Vec::new();
        for installation in self.store.installations() {
            hooks.extend(self.hook(&installation)?);
        }
        hooks.sort_by(|a, b| a.name.cmp(&b.name));
        let unknown = self.hooks.unknown();
        let unknown = UnknownHooks { refused: unknown.refused(), last_refused: newest_first(&unknown) };
        Ok(HookList { since: self.counted_since().into(), hooks, unknown })
    }

    /// Shows a hook with its last refused webhooks.
    pub fn show_hook(&self, name: &InstallationName) -> Result<HookView, AppError> {
        let installation = self.find(name)?;
        let no_hook = || AppError::NotFound {
            what: format!(
                "webhook of `{name}`: its settings have no `[hook]`, and `handoff hooks` lists those that have"
            ),
        };
        let summary = self.hook(&installation)?.ok_or_else(no_hook)?;
        let refusals = newest_first(&self.hooks.of(name));
        Ok(HookView { summary, since: self.counted_since().into(), refusals })
    }

    fn hook(&self, installation: &Installation) -> Result<Option<HookSummary>, AppError> {
        let Some(hook) = ingress_settings(installation)?.hook else { return Ok(None) };
        let record = self.hooks.of(&installation.name);
        let reasons = record.reasons.iter();
        Ok(Some(HookSummary {
            name: installation.name.clone(),
            scope: installation.scope.clone(),
            path: format!("/hooks/{}", installation.name),
            verify: hook.kind().to_owned(),
            accepted: record.accepted,
            duplicates: record.duplicates,
            refused: record.refused(),
            reasons: reasons.map(|(reason, count)| ReasonCount { reason: reason.clone(), count: *count }).collect(),
            last_refused: record.last.back().map(view),
        }))
    }

    /// Since when webhooks are counted.
    fn counted_since(&self) -> handoff_model::time::Timestamp {
        self.process.started_at().unwrap_or_else(|| self.now())
    }
}

fn newest_first(record: &HookRecord) -> Vec<RefusedView> {
    record.last.iter().rev().map(view).collect()
}

fn view(webhook: &RefusedWebhook) -> RefusedView {
    RefusedView {
        at: webhook.at.into(),
        address: webhook.address.map(|address| address.to_string()),
        status: webhook.status,
        reason: webhook.reason.clone(),
        detail: webhook.detail.clone(),
        body_bytes: webhook.body_bytes,
        id: webhook.id.clone(),
        path: webhook.path.clone(),
    }
}
