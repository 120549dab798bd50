//! Shows one outbox request with its content.

use std::borrow::Cow;

use super::view::view;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::outbox::{BODY_BYTES_MAX, CauseView, HeaderView, OutboxId, OutboxRequestView};
use handoff_engine::idempotency_key;
use handoff_model::effects::OutboxRequest;
use handoff_store::Store;

impl Shard {
    /// Shows one request with its content.
    pub fn show_outbox_request(&self, id: &OutboxId) -> Result<OutboxRequestView, AppError> {
        let installation = self.find(&id.installation)?;
        let entry =
            self.store.outbox_entry(installation.id, id.position)?.ok_or_else(|| no_request(&self.store, id))?;
        let kept = self.store.outbox_request(installation.id, id.position)?;
        let cause = self.store.event_head(entry.cause)?.map(|stored| CauseView {
            position: stored.position,
            id: stored.event.id,
            source: stored.event.source,
            type_name: stored.event.type_name,
            subject: stored.event.subject,
        });
        let mut request = OutboxRequestView {
            request: view(&installation.name, &entry),
            kept: kept.is_some(),
            idempotency_key: idempotency_key(&installation, &entry.key),
            auth: None,
            headers: Vec::new(),
            body: None,
            body_bytes: 0,
            body_cut: false,
            partition_key: None,
            wants_answer: false,
            answered_as: self.store.answer_of(installation.id, id.position)?,
            cause,
        };
        if let Some(OutboxRequest { request: content, answer, partition_key, .. }) = kept {
            let header = |(name, value): (String, String)| HeaderView { name, value };
            request.auth = content.auth;
            request.headers = content.headers.into_iter().map(header).collect();
            (request.wants_answer, request.partition_key) = (answer, partition_key);
            let body = content.body.unwrap_or_default();
            request.body_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
            request.body = String::from_utf8(body).ok().filter(|text| !text.is_empty());
            if let Some(text) = request.body.as_mut().filter(|text| text.len() > BODY_BYTES_MAX) {
                text.truncate(text.floor_char_boundary(BODY_BYTES_MAX));
                request.body_cut = true;
            }
        }
        self.redact(&mut request);
        Ok(request)
    }

    /// Stored requests contain no secrets. If one does anyway, this removes it from the view.
    fn redact(&self, view: &mut OutboxRequestView) {
        let clean = |text: &mut String| {
            if let Cow::Owned(clean) = self.process.secrets.redactor().text(text) {
                *text = clean;
            }
        };
        clean(&mut view.request.url);
        view.request.error.iter_mut().chain(&mut view.body).for_each(clean);
        view.headers.iter_mut().for_each(|header| clean(&mut header.value));
    }
}

fn no_request(store: &Store, id: &OutboxId) -> AppError {
    let is_event = store.event_head(id.position).is_ok_and(|event| event.is_some());
    let hint = if is_event { format!("; {0} is an event: `handoff events {0}`", id.position) } else { String::new() };
    AppError::NotFound { what: format!("outbox request {id}: it never was, or retention let it go{hint}") }
}
