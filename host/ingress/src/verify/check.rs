//! Checks secrets and key files at set-up, as verification will use them: what is wrong is found before the first webhook.

use std::path::Path;

use handoff_policy::ingress::{HookVerify, JwtKeys};
use handoff_policy::secrets::check_form;

use super::keys::KeyFile;
use super::{jwt, standard};

/// Why a secret cannot verify webhooks of this kind. Never shows a part of it.
pub fn check_secret(hook: &HookVerify, secret: &[u8]) -> Result<(), String> {
    check_form(secret)?;
    match hook {
        HookVerify::StandardWebhooks { .. } => standard::key(secret).map(drop).map_err(str::to_owned),
        HookVerify::None { .. } | HookVerify::BodyHmac { .. } | HookVerify::Jwt { .. } => Ok(()),
    }
}

/// The key file of a hook, if it has one.
#[must_use]
pub fn key_file(hook: &HookVerify) -> Option<&Path> {
    match hook {
        HookVerify::Jwt { keys: JwtKeys::JwksFile { path } | JwtKeys::PublicKeyFile { path }, .. } => Some(path),
        _ => None,
    }
}

/// Why the key file of a hook, if it has one, cannot verify its webhooks. Reads the file.
pub fn check_keys(hook: &HookVerify) -> Result<(), String> {
    let HookVerify::Jwt { keys, algorithms, .. } = hook else { return Ok(()) };
    let Some(path) = key_file(hook) else { return Ok(()) };
    let found = KeyFile::default().keys(keys, &[]).map_err(|error| error.detail)?;
    let has_key = |algorithm| found.iter().any(|key| key.algorithms.contains(&jwt::algorithm(algorithm)));
    let without: Vec<String> =
        algorithms.iter().filter(|algorithm| !has_key(**algorithm)).map(|algorithm| format!("{algorithm:?}")).collect();
    if without.is_empty() {
        Ok(())
    } else {
        Err(format!("key file {}: has no key for {}", path.display(), without.join(", ")))
    }
}
