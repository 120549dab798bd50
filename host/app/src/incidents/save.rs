//! Stores conditions that opened and closed, so that a stopped host shows them and a restarted one knows since when.
//! Logs each once.

use crate::shard::Shard;
use handoff_control::host::status::HostState;
use handoff_model::actor::Actor;
use handoff_store::NewAudit;

use super::keeper::{News, Open, Save};
use super::raise::scope_of;

impl Shard {
    /// Stores what changed. While the store cannot be written, nothing is lost: it is stored later.
    pub(super) async fn save_conditions(&self) {
        let unsaved = self.conditions.lock().take_unsaved();
        let mut left = std::collections::BTreeMap::new();
        for (id, save) in unsaved {
            let news = match &save {
                Save::Put { open, is_news: true } => Some((open, "incident")),
                Save::Remove { ended: Some(open) } => Some((open, "incident-close")),
                Save::Put { is_news: false, .. } | Save::Remove { ended: None } => None,
            };
            if self.state() != HostState::Ready {
                left.insert(id, save);
                continue;
            }
            let audit = news.map(|(open, action)| self.about(open, action));
            let done = match &save {
                Save::Put { open, .. } => self.store.add_incident(id.clone(), open.record(), audit).await,
                Save::Remove { .. } => self.store.remove_incident(id.clone(), audit).await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "an incident is not stored yet");
                left.insert(id, save);
            }
        }
        self.conditions.lock().put_back(left);
    }

    fn about(&self, open: &Open, action: &'static str) -> NewAudit {
        let condition = &open.condition;
        let detail = serde_json::json!({ "kind": condition.kind, "message": condition.message, "count": open.count });
        NewAudit {
            at: self.now(),
            by: Actor::host(),
            action,
            subject: condition.affects.first().map_or("host", |name| name.as_str()).to_owned(),
            detail_json: detail.to_string(),
            scopes: condition.affects.iter().filter_map(|name| scope_of(&self.store, Some(name))).collect(),
        }
    }
}

/// Logs what began and what is over.
pub(super) fn log(news: &News) {
    match news {
        News::Began(open) => {
            let condition = &open.condition;
            let (kind, command) = (condition.kind, condition.command.as_deref());
            tracing::warn!(kind, subject = condition.subject, command, "{}", condition.message);
        }
        News::Over(open) => {
            let condition = &open.condition;
            let (kind, count) = (condition.kind, open.count);
            tracing::info!(kind, subject = condition.subject, count, "over: {}", condition.message);
        }
    }
}
