//! Auth profiles: turn the name that a connector uses into credentials on a request. Credentials go into the outgoing
//! request only, never into anything that is returned or shown.

mod hmac_signature;
mod oauth2;
mod ws_security;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use rand::TryRngCore as _;
use zeroize::Zeroizing;

use handoff_model::names::AuthProfileName;
use handoff_model::time::{Clock, Timestamp};
use handoff_policy::secrets::{Secret, Secrets, check_form};

use super::transport::Transport;
use handoff_policy::egress::{AuthProfile, HmacOptions};

use self::oauth2::TokenSource;

/// A credential that is refused sooner than this after it was obtained is not renewed: the next one would be refused
/// too.
const LEAST_AGE_MS: u64 = 5_000;

/// Why there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AuthError {
    /// The configuration, the secret or the request must change.
    #[error("auth profile `{profile}`: {problem}")]
    Setup { profile: String, problem: String },
    /// The token endpoint does not answer correctly now; it may later.
    #[error("auth profile `{profile}`: {problem}")]
    Later { profile: String, problem: String },
    /// The token endpoint's gate is closed for this many milliseconds.
    #[error("auth profile `{profile}`: token endpoint unavailable for {after_ms} ms")]
    Closed { profile: String, after_ms: u64 },
}

/// Why a secret cannot be the credential of a profile. Never shows a part of it.
pub(super) fn check(options: &AuthProfile, secret: &[u8]) -> Result<(), String> {
    check_form(secret)?;
    match options {
        AuthProfile::Bearer { .. } | AuthProfile::ApiKey { .. } => set(&mut HeaderMap::new(), "authorization", secret),
        _ => Ok(()),
    }
}

/// All profiles, shared by all senders.
pub(super) struct Auth {
    profiles: BTreeMap<String, Profile>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
}

struct Profile {
    options: AuthProfile,
    tokens: Option<TokenSource>,
}

/// The credentials that one request used: needed to tell whether there are newer ones.
#[derive(Debug)]
pub(super) struct Used {
    credential: Secret,
    since: Timestamp,
}

impl Auth {
    pub(super) fn new(
        profiles: &BTreeMap<AuthProfileName, AuthProfile>,
        secrets: Secrets,
        transport: &Transport,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let profiles = profiles.iter().map(|(name, options)| {
            let tokens = match options {
                AuthProfile::Oauth2ClientCredentials(options) => {
                    let (secrets, clock) = (secrets.clone(), Arc::clone(&clock));
                    Some(TokenSource::new(name.as_str(), options.clone(), secrets, transport.clone(), clock))
                }
                _ => None,
            };
            (name.as_str().to_owned(), Profile { options: options.clone(), tokens })
        });
        Self { profiles: profiles.collect(), secrets, clock }
    }

    /// Adds the credentials of a profile to the fields or to the body.
    pub(super) async fn apply(
        &self,
        name: &str,
        headers: &mut HeaderMap,
        body: &mut Option<Vec<u8>>,
    ) -> Result<Used, AuthError> {
        let profile = self.profile(name)?;
        let setup = |problem: String| AuthError::Setup { profile: name.to_owned(), problem };
        let (credential, since) = match &profile.tokens {
            Some(tokens) => tokens.token().await?,
            None => (self.read(name, &profile.options).await?, self.clock.now()),
        };
        match &profile.options {
            AuthProfile::Bearer { .. } | AuthProfile::Oauth2ClientCredentials(_) => {
                let value = Zeroizing::new([b"Bearer ".as_slice(), credential.expose()].concat());
                set(headers, "authorization", &value).map_err(setup)?;
            }
            AuthProfile::Basic { username, .. } => {
                let value = self.basic(name, username, &credential);
                set(headers, "authorization", value.as_bytes()).map_err(setup)?;
            }
            AuthProfile::ApiKey { header, .. } => set(headers, header, credential.expose()).map_err(setup)?,
            AuthProfile::Hmac(options) => sign(options, &credential, headers, body.as_deref()).map_err(setup)?,
            AuthProfile::WsSecurity { username, password, .. } => {
                let mut nonce = [0; 16];
                rand::rngs::OsRng.try_fill_bytes(&mut nonce).map_err(|error| setup(error.to_string()))?;
                let token = ws_security::Token {
                    username,
                    password: credential.expose(),
                    form: *password,
                    created: self.clock.now(),
                    nonce,
                };
                // In the encoding of the message: what a target re-encodes starts from this.
                let escaped = ws_security::escape(&String::from_utf8_lossy(credential.expose()));
                self.secrets.redactor().learn(&format!("soap {name}"), &Secret::new(escaped.into_bytes()));
                *body = Some(ws_security::insert(body.as_deref().unwrap_or_default(), &token).map_err(setup)?);
            }
        }
        Ok(Used { credential, since })
    }

    /// Called after a 401. Returns whether there are new credentials now, so that a retry may succeed.
    pub(super) async fn renew(&self, name: &str, used: &Used) -> bool {
        let Ok(profile) = self.profile(name) else { return false };
        match &profile.tokens {
            Some(tokens) if self.clock.now().since_ms(used.since) >= LEAST_AGE_MS => {
                tokens.forget(&used.credential).await;
                true
            }
            Some(_) => false,
            None => {
                self.secrets.forget(profile.options.secret());
                self.read(name, &profile.options).await.is_ok_and(|secret| secret != used.credential)
            }
        }
    }

    /// Fields in which profiles put credentials: a target may echo them.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        match &self.profiles.get(name)?.options {
            AuthProfile::ApiKey { header, .. } => Some(header.to_ascii_lowercase()),
            AuthProfile::Hmac(options) => Some(options.header.to_ascii_lowercase()),
            _ => None,
        }
    }

    fn profile(&self, name: &str) -> Result<&Profile, AuthError> {
        self.profiles.get(name).ok_or_else(|| AuthError::Setup {
            profile: name.to_owned(),
            problem: format!("is granted but not configured: add `[auth.{name}]` to handoff.toml"),
        })
    }

    async fn read(&self, name: &str, options: &AuthProfile) -> Result<Secret, AuthError> {
        let read = self.secrets.read(options.secret()).await;
        read.map_err(|error| AuthError::Setup { profile: name.to_owned(), problem: error.to_string() })
    }

    fn basic(&self, profile: &str, username: &str, password: &Secret) -> Zeroizing<String> {
        let (value, pair) = basic_value(username.as_bytes(), password.expose());
        // The base64 of the pair does not contain the base64 of the password.
        self.secrets.redactor().learn(&format!("pair {profile}"), &pair);
        value
    }
}

/// `Basic base64(user:password)` (RFC 7617) and the pair, which is a secret too.
fn basic_value(username: &[u8], password: &[u8]) -> (Zeroizing<String>, Secret) {
    let pair = Secret::new([username, b":".as_slice(), password].concat());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair.expose());
    (Zeroizing::new(format!("Basic {encoded}")), pair)
}

fn sign(options: &HmacOptions, key: &Secret, headers: &mut HeaderMap, body: Option<&[u8]>) -> Result<(), String> {
    let value = hmac_signature::field_value(options, key.expose(), body.unwrap_or_default())?;
    set(headers, &options.header, value.as_bytes())
}

/// Sets a sensitive field and replaces what the connector wrote.
fn set(headers: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), String> {
    let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a field name"))?;
    let mut value = HeaderValue::from_bytes(value)
        .map_err(|_| "the secret contains a line break or control character; expected one line".to_owned())?;
    value.set_sensitive(true);
    headers.insert(field, value);
    Ok(())
}
