//! Receives webhooks: finds the installation's verification settings, verifies the request, and accepts the event.

use std::sync::Arc;

use crate::error::AppError;
use crate::process::unavailable;
use crate::shard::{Shard, ingress_settings};
use handoff_ingress::hook::{self, HookError};
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_ingress::verify::{Verifier, VerifyError};
use handoff_model::installation::Installation;
use handoff_model::names::InstallationName;
use handoff_policy::secrets::Secret;
use handoff_store::Appended;

/// A webhook whose sender is known. Only [`Shard::verify_webhook`] makes one.
#[derive(Debug)]
pub struct VerifiedWebhook(Incoming);

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
        let appended = self.accept(vec![webhook.0]).await?;
        appended.first().copied().ok_or_else(|| AppError::Internal("the store answered nothing".to_owned()))
    }

    /// Verifies a webhook.
    pub async fn verify_webhook(
        &self,
        name: &InstallationName,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Result<VerifiedWebhook, AppError> {
        let installation = self.find(name)?;
        let verifier = self.verifier(&installation)?;
        let process = &self.process;
        let mut secrets = Vec::new();
        for secret in verifier.hook().secrets() {
            // The configuration may have been narrowed since the installation was checked.
            if process.config.secret_scopes(secret).is_some_and(|scopes| !scopes.contains(&installation.scope)) {
                let message = "webhooks cannot be verified at the moment".to_owned();
                let cause = format!("the secret `{secret}` of `{name}` is not for `{}`", installation.scope);
                return Err(AppError::Unavailable { message, cause });
            }
            secrets
                .push(process.secrets.read(secret).await.map_err(|error| unavailable("a webhook's secret", &error))?);
        }
        let bytes: Vec<&[u8]> = secrets.iter().map(Secret::expose).collect();
        let most = process.config.ingress.hook_body_bytes;
        let event = hook::receive(name, &verifier, &bytes, headers, body, most, self.now()).map_err(refused)?;
        Ok(VerifiedWebhook(Incoming { to: Addressee::Installation(name.clone()), event }))
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

fn refused(error: HookError) -> AppError {
    match error {
        HookError::Verify(VerifyError::Unable { problem }) => {
            AppError::Unavailable { message: "webhooks cannot be verified at the moment".to_owned(), cause: problem }
        }
        HookError::Verify(error) => AppError::Unauthorized { message: error.to_string() },
        HookError::TooLarge { .. } => AppError::TooLarge { message: error.to_string() },
        HookError::Event(error) => AppError::invalid(error.attribute.clone(), error.to_string()),
    }
}
