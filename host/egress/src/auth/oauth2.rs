//! Tokens of one OAuth 2.0 client (RFC 6749, section 4.4): obtained once for all requests, renewed before they expire,
//! dropped when a target refuses them.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded;

use crate::client::Outgoing;
use crate::transport::Transport;
use handoff_model::http::{HttpError, Response};
use handoff_model::time::{Clock, Timestamp};
use handoff_policy::egress::{ClientAuthentication, OAuth2Options};
use handoff_policy::secrets::{Secret, Secrets};

use super::{AuthError, basic_value, set};

/// Lifetime of a token without `expires_in`.
const DEFAULT_LIFE_MS: u64 = 300_000;
/// How long before expiry tokens are renewed; a tenth of their life if that is less.
const AHEAD_MS: u64 = 60_000;
/// Pause after a failure: many requests must not become many token requests.
const PAUSE_MS: u64 = 2_000;
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_RESPONSE_BYTES: usize = 64 << 10;

pub(super) struct TokenSource {
    profile: String,
    options: OAuth2Options,
    secrets: Secrets,
    transport: Transport,
    clock: Arc<dyn Clock>,
    // Deliberately held across the token request: other requests wait for the same token.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Timestamp, AuthError)>,
}

struct Token {
    value: Secret,
    since: Timestamp,
    renew_at: Timestamp,
    end: Timestamp,
}

/// RFC 6749, section 5.1. Some servers write the number as a string.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl TokenSource {
    pub(super) fn new(
        profile: &str,
        options: OAuth2Options,
        secrets: Secrets,
        transport: Transport,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = Mutex::new(State::default());
        Self { profile: profile.to_owned(), options, secrets, transport, clock, state }
    }

    /// A token that is valid for a while, and when it was obtained.
    pub(super) async fn token(&self) -> Result<(Secret, Timestamp), AuthError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let usable = |token: &Token, until: Timestamp| token.since <= now && now < until;
        if let Some(token) = state.token.as_ref().filter(|token| usable(token, token.renew_at)) {
            return Ok((token.value.clone(), token.since));
        }
        let pausing = state.failed.as_ref().filter(|(at, _)| *at <= now && now.since_ms(*at) < PAUSE_MS);
        let failure = match pausing {
            Some((_, error)) => error.clone(),
            None => match self.obtain().await {
                Ok(token) => {
                    let obtained = (token.value.clone(), token.since);
                    *state = State { token: Some(token), failed: None };
                    return Ok(obtained);
                }
                Err(error) => {
                    state.failed = Some((self.clock.now(), error.clone()));
                    error
                }
            },
        };
        // The early renewal failed: the old token is still valid.
        match state.token.as_ref().filter(|token| usable(token, token.end)) {
            Some(token) => Ok((token.value.clone(), token.since)),
            None => Err(failure),
        }
    }

    /// A target refused this token; if it is still the current one, the next call obtains another.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.value == *refused) {
            state.token = None;
        }
    }

    async fn obtain(&self) -> Result<Token, AuthError> {
        let secret = self.secrets.read(&self.options.secret).await.map_err(|error| self.setup(error.to_string()))?;
        let asked = self.clock.now();
        let outgoing = self.request(&secret).map_err(|problem| self.setup(problem))?;
        let answer = self.transport.exchange(outgoing).await.map_err(|error| match error {
            HttpError::Unavailable(after_ms) => AuthError::Closed { profile: self.profile.clone(), after_ms },
            HttpError::Denied(_) | HttpError::Invalid(_) => self.setup(format!("token endpoint: {error}")),
            _ => self.later(format!("token endpoint: {error}")),
        })?;
        match answer.response.status {
            200 => self.read(&answer.response, asked),
            408 | 425 | 429 | 500.. => match answer.wait {
                Some((after_ms, _)) => Err(AuthError::Closed { profile: self.profile.clone(), after_ms }),
                None => Err(self.later(format!("token endpoint: status {}", answer.response.status))),
            },
            _ => Err(self.refused(&answer.response)),
        }
    }

    fn request(&self, secret: &Secret) -> Result<Outgoing, String> {
        let options = &self.options;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &options.scope), ("audience", &options.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.extend_pairs(&options.parameters);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        match options.client_authentication {
            ClientAuthentication::Basic => {
                // Section 2.3.1: both halves are form-encoded first.
                let encode = |bytes: &[u8]| form_urlencoded::byte_serialize(bytes).collect::<String>();
                let (id, password) = (encode(options.client_id.as_bytes()), encode(secret.expose()));
                let (value, pair) = basic_value(id.as_bytes(), password.as_bytes());
                self.secrets.redactor().learn(&format!("client {}", self.profile), &pair);
                set(&mut headers, "authorization", value.as_bytes())?;
            }
            ClientAuthentication::Post => {
                let secret = std::str::from_utf8(secret.expose()).map_err(|_| "the secret is not UTF-8".to_owned())?;
                form.append_pair("client_id", &options.client_id).append_pair("client_secret", secret);
                // In the encoding of the message: base64 of this does not contain the base64 of the secret.
                let encoded = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
                self.secrets.redactor().learn(&format!("form {}", self.profile), &Secret::new(encoded.into_bytes()));
            }
        }
        Ok(Outgoing {
            method: Method::POST,
            url: Url::parse(&options.token_url).map_err(|error| format!("token-url: {error}"))?,
            credential: Some(self.profile.clone()),
            headers,
            body: Some(form.finish().into_bytes()),
            timeout: TIMEOUT,
            private_addresses: options.private_addresses,
            response_bytes: MAX_RESPONSE_BYTES,
        })
    }

    fn read(&self, response: &Response, asked: Timestamp) -> Result<Token, AuthError> {
        // A parser's message would quote the response and the token in it.
        let granted: Granted = serde_json::from_slice(&response.body).map_err(|_| {
            self.later("token endpoint: status 200 without a JSON object with `access_token`".to_owned())
        })?;
        let value = Secret::new(granted.access_token.into_bytes());
        self.secrets.redactor().learn(&format!("token {}", self.profile), &value);
        if granted.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.setup("token endpoint: issues tokens that are not bearer tokens".to_owned()));
        }
        if value.expose().is_empty() || !value.expose().iter().all(u8::is_ascii_graphic) {
            return Err(self.later("token endpoint: issued a token that is empty or not printable".to_owned()));
        }
        let seconds = match granted.expires_in {
            Some(serde_json::Value::String(text)) => text.trim().parse::<u64>().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        let life_ms = seconds.map_or(DEFAULT_LIFE_MS, |seconds| seconds.saturating_mul(1_000));
        // Counted from the request: the response took time too.
        let end = asked.plus_ms(life_ms);
        let renew_at = asked.plus_ms(life_ms.saturating_sub(AHEAD_MS.min(life_ms / 10)));
        Ok(Token { value, since: asked, renew_at, end })
    }

    fn refused(&self, response: &Response) -> AuthError {
        let status = response.status;
        let Ok(refused) = serde_json::from_slice::<Refused>(&response.body) else {
            return self.setup(format!("token endpoint: status {status}; check token-url"));
        };
        // The secret may have been rotated: the next attempt reads it again.
        self.secrets.forget(&self.options.secret);
        let hint = match refused.error.as_str() {
            "invalid_client" => "check client-id, the secret and client-authentication",
            "invalid_scope" => "check scope",
            "unauthorized_client" | "unsupported_grant_type" => "the client may not use client credentials there",
            _ => "check the profile's settings",
        };
        // Redact before shortening and escaping: half a secret, or one with `\'` in it, would not be recognized.
        let shown = |text: &str, most: usize| {
            self.clean(text).chars().take(most).flat_map(char::escape_default).collect::<String>()
        };
        let (error, description) = (shown(&refused.error, 60), shown(&refused.error_description, 200));
        self.setup(format!("token endpoint: status {status}, {error} ({description}); {hint}"))
    }

    fn setup(&self, problem: String) -> AuthError {
        AuthError::Setup { profile: self.profile.clone(), problem: self.clean(&problem) }
    }

    fn later(&self, problem: String) -> AuthError {
        AuthError::Later { profile: self.profile.clone(), problem: self.clean(&problem) }
    }

    fn clean(&self, text: &str) -> String {
        self.secrets.redactor().text(text).into_owned()
    }
}
