//! Checks secrets and key files at set-up: reads each as its use will, and says what is wrong with it and who uses it. Never
//! shows a part of a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use handoff_config::{Config, RegistryAuth, Settings};
use handoff_egress::check_credential;
use handoff_ingress::verify::{check_keys, check_secret, key_file};
use handoff_model::time::SystemClock;
use handoff_policy::egress::AuthProfile;
use handoff_policy::ingress::HookVerify;
use handoff_policy::secrets::{Secret, Secrets, check_form};

use crate::error::AppError;
use crate::process::unavailable;
use crate::shard::blocking;

/// A secret or a key file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableSecret {
    /// The secret; none for a key file.
    pub name: Option<String>,
    /// The key file.
    pub key_file: Option<PathBuf>,
    /// Who uses it, for example `[control] token-secret`.
    pub used_by: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl std::fmt::Display for UnusableSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "secret `{name}`: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

/// One use of a secret.
enum Use<'u> {
    /// A bearer token that callers present.
    Token,
    Credential(&'u AuthProfile),
    /// A password or token of a registry.
    Registry,
    Hook(&'u HookVerify),
    /// Nobody in the files that were checked.
    Nobody,
}

impl Use<'_> {
    fn check(&self, secret: &Secret) -> Result<(), String> {
        let bytes = secret.expose();
        match self {
            Self::Token => {
                check_form(bytes)?;
                let is_token = bytes.iter().all(u8::is_ascii_graphic);
                if is_token { Ok(()) } else { Err("is no token: expected printable ASCII without spaces".to_owned()) }
            }
            Self::Credential(profile) => check_credential(profile, bytes),
            Self::Registry | Self::Nobody => Ok(check_form(bytes)?),
            Self::Hook(hook) => check_secret(hook, bytes),
        }
    }
}

/// Checks the secrets of files, without a host.
pub struct SecretCheck<'c> {
    config: &'c Config,
    secrets: Secrets,
}

impl<'c> SecretCheck<'c> {
    /// Reads nothing yet.
    pub fn new(config: &'c Config) -> Result<Self, AppError> {
        let secrets = config.secrets(Arc::new(SystemClock)).map_err(|error| unavailable("secrets", &error))?;
        Ok(Self { config, secrets })
    }

    /// Every secret that the configuration defines.
    pub async fn config(&self) -> Vec<UnusableSecret> {
        check_config(self.config, &self.secrets).await
    }

    /// The secrets and key files that an installation's settings name.
    pub async fn settings(&self, settings: &Settings) -> Vec<UnusableSecret> {
        match &settings.ingress.hook {
            Some(hook) => check_hook(hook, &self.secrets, "[hook]").await,
            None => Vec::new(),
        }
    }
}

/// Reads every secret that the configuration defines, and checks it for each of its uses there.
async fn check_config(config: &Config, secrets: &Secrets) -> Vec<UnusableSecret> {
    let mut uses = BTreeMap::<&str, Vec<(String, Use<'_>)>>::new();
    let tokens = [
        ("[ingress] events-token-secret", &config.ingress.events_token_secret),
        ("[control] token-secret", &config.control.token_secret),
        ("[metrics] token-secret", &config.metrics.token_secret),
    ];
    for (field, name) in tokens {
        if let Some(name) = name {
            uses.entry(name).or_default().push((field.to_owned(), Use::Token));
        }
    }
    for (name, profile) in config.auth_profiles() {
        uses.entry(profile.secret()).or_default().push((format!("[auth.{name}]"), Use::Credential(profile)));
    }
    for (name, registry) in &config.registries.by_name {
        if let Some(RegistryAuth::Basic { secret, .. } | RegistryAuth::Token { secret }) = &registry.auth {
            uses.entry(secret).or_default().push((format!("[registries.{name}]"), Use::Registry));
        }
    }
    for name in config.secret_names() {
        uses.entry(name).or_insert_with(|| vec![("no section of this file".to_owned(), Use::Nobody)]);
    }
    let mut unusable = Vec::new();
    for (name, uses) in uses {
        for (used_by, purpose) in uses {
            unusable.extend(check_one(secrets, name, used_by, &purpose).await);
        }
    }
    unusable
}

/// Checks the secrets and the key file of a hook.
pub(crate) async fn check_hook(hook: &HookVerify, secrets: &Secrets, used_by: &str) -> Vec<UnusableSecret> {
    let mut unusable = Vec::new();
    for name in hook.secrets() {
        unusable.extend(check_one(secrets, name, used_by.to_owned(), &Use::Hook(hook)).await);
    }
    if let Some(path) = key_file(hook) {
        let (path, hook) = (path.to_owned(), hook.clone());
        // Network file systems may block.
        if let Ok(Err(problem)) = blocking(move || check_keys(&hook)).await {
            let used_by = used_by.to_owned();
            unusable.push(UnusableSecret { name: None, key_file: Some(path), used_by, problem });
        }
    }
    unusable
}

/// Checks the secret of an auth profile.
pub(crate) async fn check_profile(
    name: &str,
    profile: &AuthProfile,
    secrets: &Secrets,
    used_by: &str,
) -> Option<UnusableSecret> {
    let used_by = format!("{used_by} ([auth.{name}])");
    check_one(secrets, profile.secret(), used_by, &Use::Credential(profile)).await
}

async fn check_one(secrets: &Secrets, name: &str, used_by: String, purpose: &Use<'_>) -> Option<UnusableSecret> {
    let problem = match secrets.read(name).await {
        Ok(secret) => format!("the secret {}", purpose.check(&secret).err()?),
        Err(error) => error.problem(),
    };
    Some(UnusableSecret { name: Some(name.to_owned()), key_file: None, used_by, problem })
}
