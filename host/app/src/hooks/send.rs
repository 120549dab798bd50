//! Sends a webhook for a person: signs it with the secret of the installation, and receives it as one from outside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use serde_json::json;

use crate::error::AppError;
use crate::events::send::report;
use crate::process::unavailable;
use crate::shard::{Shard, ingress_settings};
use handoff_control::events::send::SendReport;
use handoff_control::hooks::SendHookRequest;
use handoff_ingress::verify::sign;
use handoff_model::actor::Identity;
use handoff_model::names::InstallationName;
use handoff_store::NewAudit;

impl Shard {
    /// Signs, verifies and accepts a webhook. Its event is durable on return.
    pub async fn send_hook(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: SendHookRequest,
    ) -> Result<SendReport, AppError> {
        let SendHookRequest { body, content_type, id, by, reason } = request;
        let installation = self.find(name)?;
        let none = || AppError::NotFound { what: format!("webhook of `{name}`: its settings have no `[hook]`") };
        let hook = ingress_settings(&installation)?.hook.ok_or_else(none)?;
        let body = STANDARD.decode(body).map_err(|_| AppError::invalid("body", "expected Base64 with padding"))?;
        let secret = match hook.secrets().first() {
            Some(secret) => {
                let secret = self.process.secrets.read(secret).await;
                Some(secret.map_err(|error| unavailable("the webhook's secret", &error))?)
            }
            None => None,
        };
        let id = id.unwrap_or_else(|| format!("sent-{:016x}", StdRng::from_os_rng().next_u64()));
        let headers = sign(&hook, secret.as_ref().map(|secret| secret.expose()), &id, &body, self.now());
        let mut headers = headers.map_err(|error| AppError::Refused { code: "not-signable", message: error.detail })?;
        let media_type = content_type.as_deref().unwrap_or("application/json");
        let media_type = HeaderValue::from_str(media_type)
            .map_err(|_| AppError::invalid("contentType", "expected a media type, such as application/json"))?;
        headers.insert(header::CONTENT_TYPE, media_type);
        let webhook = self.verify_webhook(name, &headers, &body).await.map_err(|refused| match refused.error {
            // The person may learn what a sender must not.
            AppError::Unauthorized { .. } => AppError::Refused { code: "not-verified", message: refused.detail },
            other => other,
        })?;
        let audit = NewAudit {
            at: self.now(),
            by: caller.acting(by.as_deref()),
            action: "send-hook",
            subject: name.to_string(),
            detail_json: json!({ "id": id, "reason": reason }).to_string(),
            scopes: vec![installation.scope.clone()],
        };
        let appended = self.receive_audited(webhook, Some(audit)).await?;
        self.note_accepted_webhook(name, appended);
        report(&[appended])
    }
}
