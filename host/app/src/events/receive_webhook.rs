//! Receives webhooks: finds the installation's verification settings, verifies the request, and accepts the event.

use std::sync::Arc;

use super::repeats::UnsignedId;
use crate::error::AppError;
use crate::process::unavailable;
use crate::shard::{Shard, ingress_settings};
use handoff_ingress::hook::{self, HookError};
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_ingress::verify::{Reason, Verifier, VerifyError};
use handoff_model::installation::Installation;
use handoff_model::names::InstallationName;
use handoff_policy::secrets::Secret;
use handoff_store::{Appended, NewAudit};

/// A webhook whose sender is known. Only [`Shard::verify_webhook`] makes one.
#[derive(Debug)]
pub struct VerifiedWebhook(Incoming);

/// A webhook that is not accepted.
#[derive(Debug)]
pub struct WebhookRefused {
    /// For the sender.
    pub error: AppError,
    /// A word for the reason.
    pub reason: &'static str,
    /// The reason for the operator, which a sender must not learn.
    pub detail: String,
}

impl Shard {
    /// Whether an installation with this name accepts webhooks.
    pub fn takes_webhooks(&self, name: &InstallationName) -> Result<bool, AppError> {
        let Some(installation) = self.store.installation(name) else { return Ok(false) };
        match self.verifier(&installation) {
            Ok(_) => Ok(true),
            Err(AppError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Accepts the event of a verified webhook. It is durable on return.
    pub async fn receive_webhook(&self, webhook: VerifiedWebhook) -> Result<Appended, AppError> {
        self.receive_audited(webhook, None).await
    }

    /// The same for a webhook that a person sends, with an audit entry in the same write.
    pub(crate) async fn receive_audited(
        &self,
        webhook: VerifiedWebhook,
        audit: Option<NewAudit>,
    ) -> Result<Appended, AppError> {
        let unsigned = UnsignedId::of(&webhook.0.event);
        let appended = self.accept_audited(vec![webhook.0], audit).await?;
        let appended =
            appended.first().copied().ok_or_else(|| AppError::Internal("the store answered nothing".to_owned()))?;
        if let Some(unsigned) = unsigned
            && let Err(error) = self.note_unsigned_id(unsigned, appended).await
        {
            tracing::warn!(error = error.chain(), "the id of a webhook cannot be compared with earlier ones");
        }
        Ok(appended)
    }

    /// Verifies a webhook.
    pub async fn verify_webhook(
        &self,
        name: &InstallationName,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Result<VerifiedWebhook, WebhookRefused> {
        let unable = |error: AppError| WebhookRefused { reason: "unable", detail: error.chain(), error };
        let installation = self.find(name).map_err(unable)?;
        let verifier = self.verifier(&installation).map_err(unable)?;
        let process = &self.process;
        let (mut secrets, mut unreadable) = (Vec::new(), None);
        for secret in verifier.hook().secrets() {
            // The configuration may have been narrowed since the installation was checked.
            if process.config.secret_scopes(secret).is_some_and(|scopes| !scopes.contains(&installation.scope)) {
                let message = "webhooks cannot be verified at the moment".to_owned();
                let cause = format!("the secret `{secret}` of `{name}` is not for `{}`", installation.scope);
                return Err(unable(AppError::Unavailable { message, cause }));
            }
            // One that cannot be read must not spoil the others.
            match process.secrets.read(secret).await {
                Ok(secret) => secrets.push(secret),
                Err(error) => unreadable = Some(error),
            }
        }
        if let Some(error) = unreadable.filter(|_| secrets.is_empty()) {
            return Err(unable(unavailable("a webhook's secret", &error)));
        }
        let bytes: Vec<&[u8]> = secrets.iter().map(Secret::expose).collect();
        let most = process.config.ingress.hook_body_bytes;
        let event = hook::receive(name, &verifier, &bytes, headers, body, most, self.now()).map_err(refused)?;
        Ok(VerifiedWebhook(Incoming { to: Addressee::Installation(name.clone()), event }))
    }

    /// The header with the sender's id of an installation's webhooks, if there is one.
    #[must_use]
    pub fn webhook_id_header(&self, name: &InstallationName) -> Option<String> {
        let verifier = self.verifier(&*self.store.installation(name)?).ok()?;
        verifier.hook().id_header().map(str::to_owned)
    }

    /// The verifier of the active generation.
    fn verifier(&self, installation: &Installation) -> Result<Arc<Verifier>, AppError> {
        let generation = installation.active.generation;
        if let Some((known, verifier)) = self.verifiers.lock().get(&installation.id)
            && *known == generation
        {
            return Ok(verifier.clone());
        }
        let settings = ingress_settings(installation)?;
        // The same answer as for an unknown name, so that nobody can probe for names.
        let what = || AppError::NotFound { what: "webhook at this path".to_owned() };
        let verifier = Arc::new(Verifier::new(settings.hook.ok_or_else(what)?));
        self.verifiers.lock().insert(installation.id, (generation, verifier.clone()));
        Ok(verifier)
    }
}

/// What the sender is told, and what the operator sees.
fn refused(error: HookError) -> WebhookRefused {
    let detail = error.to_string();
    let (reason, error) = match error {
        HookError::Verify(VerifyError { reason: Reason::Unable, detail: cause }) => {
            let message = "webhooks cannot be verified at the moment".to_owned();
            (Reason::Unable.word(), AppError::Unavailable { message, cause })
        }
        HookError::Verify(error) => {
            let message =
                "the sender of this webhook is not verified; the operator of this host can see why".to_owned();
            (error.reason.word(), AppError::Unauthorized { message })
        }
        HookError::TooLarge { .. } => ("too-large", AppError::TooLarge { message: detail.clone() }),
        HookError::Event(error) => ("bad-event", AppError::invalid(error.attribute.clone(), error.to_string())),
    };
    WebhookRefused { error, reason, detail }
}
