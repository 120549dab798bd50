//! Logs in as the registry requires: user name and password (RFC 7617), or a token that is obtained with them (the
//! "token authentication" of the distribution project). Credentials go only to the registry and to the token service
//! that it names.

use super::http::{Answer, Ask};
use super::links::Challenge;
use crate::{ClientError, Login, Logins, Options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handoff_package::reference::OciRef;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// Logs in at one registry.
pub(super) struct Auth {
    host: String,
    registry: String,
    /// Whether this registry is used over plain HTTP.
    plain: bool,
    logins: Logins,
    /// Accepted credentials, by repository and push permission. A std mutex: it is never held across an await.
    known: Mutex<HashMap<(Option<String>, bool), HeaderValue>>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("host", &self.host).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

impl Auth {
    pub(super) fn new(reference: &OciRef, options: &Options) -> Self {
        Self {
            host: reference.host(),
            registry: reference.origin.as_str().trim_end_matches('/').to_owned(),
            plain: reference.is_plain(),
            logins: options.logins.clone(),
            known: Mutex::default(),
        }
    }

    /// The credentials that were accepted last.
    pub(super) fn known(&self, ask: &Ask) -> Option<HeaderValue> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key(ask)).cloned()
    }

    /// Other credentials to send after `sent` was refused; none if there are none left to try.
    pub(super) async fn answer<G, P>(
        &self,
        ask: &Ask,
        challenges: &[Challenge],
        sent: Option<&HeaderValue>,
        get: impl FnOnce(Url, Option<HeaderValue>) -> G,
        post: impl FnOnce(Url, String) -> P,
    ) -> Result<Option<HeaderValue>, ClientError>
    where
        G: Future<Output = Result<Answer, ClientError>>,
        P: Future<Output = Result<Answer, ClientError>>,
    {
        let login = self.logins.find(&self.host, ask.repository.as_deref().unwrap_or_default());
        let offered = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let header = if let Some(bearer) = offered("bearer") {
            let token = match login {
                Some(Login::Identity { token }) => {
                    let (url, scope) = self.service(ask, bearer)?;
                    let form = {
                        let mut form = Serializer::new(String::new());
                        form.append_pair("grant_type", "refresh_token").append_pair("client_id", "handoff");
                        form.append_pair("refresh_token", token);
                        Self::service_parameters(&mut form, bearer, scope.as_deref());
                        form.finish()
                    };
                    post(url, form).await?
                }
                _ => {
                    let (mut url, scope) = self.service(ask, bearer)?;
                    Self::service_parameters(&mut url.query_pairs_mut(), bearer, scope.as_deref());
                    get(url, login.and_then(basic)).await?
                }
            };
            Some(self.bearer(&token)?)
        } else if offered("basic").is_some() {
            login.and_then(basic)
        } else {
            None
        };
        // Identical credentials would be refused again.
        let header = header.filter(|header| Some(header) != sent);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &header {
            Some(header) => known.insert(key(ask), header.clone()),
            None => known.remove(&key(ask)),
        };
        Ok(header)
    }

    /// The URL of the token service, with its parameters.
    fn service(&self, ask: &Ask, challenge: &Challenge) -> Result<(Url, Option<String>), ClientError> {
        let realm = challenge.parameters.get("realm").and_then(|realm| Url::parse(realm).ok());
        let realm = realm.filter(|url| url.scheme() == "https" || (self.plain && url.scheme() == "http"));
        let Some(url) = realm else {
            return Err(ClientError::Protocol {
                registry: self.registry.clone(),
                what: ask.what.clone(),
                problem: "it names no token service with https, and credentials are sent to no other".to_owned(),
            });
        };
        let scope = match &ask.repository {
            Some(repository) if ask.is_push() => Some(format!("repository:{repository}:pull,push")),
            Some(repository) => Some(format!("repository:{repository}:pull")),
            None => challenge.parameters.get("scope").cloned(),
        };
        Ok((url, scope))
    }

    fn service_parameters<T: url::form_urlencoded::Target>(
        to: &mut Serializer<'_, T>,
        challenge: &Challenge,
        scope: Option<&str>,
    ) {
        if let Some(service) = challenge.parameters.get("service") {
            to.append_pair("service", service);
        }
        if let Some(scope) = scope {
            to.append_pair("scope", scope);
        }
    }

    fn bearer(&self, answer: &Answer) -> Result<HeaderValue, ClientError> {
        let (registry, what) = (self.registry.clone(), "a token".to_owned());
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) {
            let problem = "the token service refuses it".to_owned();
            return Err(ClientError::Unauthorized { registry, what, problem });
        }
        let token: Option<Token> = serde_json::from_slice(&answer.body).ok();
        let token = token
            .and_then(|found| found.token.or(found.access_token))
            .map(Zeroizing::new)
            .filter(|token| !token.is_empty());
        let header = token.and_then(|token| secret(&Zeroizing::new(format!("Bearer {}", token.as_str()))));
        header.ok_or_else(|| {
            let status = answer.status;
            ClientError::Protocol {
                registry,
                what,
                problem: format!("its token service answered {status} without a token"),
            }
        })
    }
}

fn key(ask: &Ask) -> (Option<String>, bool) {
    (ask.repository.clone(), ask.is_push())
}

fn basic(login: &Login) -> Option<HeaderValue> {
    let Login::Basic { user, password } = login else { return None };
    let both = Zeroizing::new(format!("{user}:{}", password.as_str()));
    secret(&Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes()))))
}

/// Marked as sensitive so that it is not logged.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
