//! Outgoing HTTP: checks a request against grants, adds credentials and sends it. It knows no installation, queue or
//! guest.

mod auth;
pub mod breaker;
pub mod budget;
pub mod client;
pub mod gates;
pub mod retry_after;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::Digest as _;
use url::Url;

use handoff_model::grants::{Grants, HttpGrant};
use handoff_model::http::{HttpError, Request, Response, SendOutcome};
use handoff_model::limits::CallLimits;
use handoff_model::scope::Scope;
use handoff_model::time::Clock;
use handoff_policy::egress::{AuthProfile, EgressOptions, OptionsError};
use handoff_policy::request::{Purpose, check_request};
use handoff_policy::secrets::Redactor;

use self::auth::{Auth, AuthError};
use self::client::{Clients, Names, Outgoing};
use self::gates::{GateState, Gates, LimitClass};
use self::transport::{Answer, Transport};

/// Why egress cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// An invalid setting.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

/// The egress of the whole process: clients, tokens, budgets, breakers. Cheap to clone.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    transport: Transport,
    auth: Auth,
    /// Whose installations may use a profile.
    auth_scopes: BTreeMap<String, BTreeSet<Scope>>,
    limits: CallLimits,
    redactor: Redactor,
}

/// Why a secret cannot be the credential of a profile. Never shows a part of it.
pub fn check_credential(profile: &AuthProfile, secret: &[u8]) -> Result<(), String> {
    auth::check(profile, secret)
}

/// Why an attempt has no response.
enum Obstacle {
    Http(HttpError),
    Auth(AuthError),
}

/// The outcome of an attempt that got no response.
fn again(error: &dyn std::fmt::Display, may_have_arrived: bool) -> SendOutcome {
    SendOutcome::Retry { error: error.to_string(), status: None, after_ms: None, may_have_arrived }
}

impl Egress {
    /// Validates the settings and builds the clients. Reads certificate authorities, but no secret.
    pub fn new(options: EgressOptions, clock: Arc<dyn Clock>) -> Result<Self, EgressError> {
        Self::with_names(options, clock, &Names::system())
    }

    /// The same with another name resolver.
    pub fn with_names(options: EgressOptions, clock: Arc<dyn Clock>, names: &Names) -> Result<Self, EgressError> {
        options.check()?;
        let clients = Clients::new(&options.client, names)?;
        let (limits, secrets, redactor) = (options.limits, options.secrets.clone(), options.secrets.redactor().clone());
        let profiles = options.auth.clone();
        let auth_scopes = options.auth_scopes.iter().map(|(name, scopes)| (name.to_string(), scopes.clone())).collect();
        let stand_ins = options.stand_ins.clone();
        let gates = Gates::new(Box::new(move |host, port| options.host(host, port)), Arc::clone(&clock));
        let transport = Transport { clients, gates: Arc::new(gates), stand_ins: Arc::new(stand_ins) };
        let auth = Auth::new(&profiles, secrets, &transport, clock);
        Ok(Self(Arc::new(Inner { transport, auth, auth_scopes, limits, redactor })))
    }

    /// The states of all gates: one for each target and auth profile that was used since the start.
    #[must_use]
    pub fn gates(&self) -> Vec<GateState> {
        self.0.transport.gates.states()
    }

    /// Keeps a gate closed until then, as before a restart.
    pub fn close_gate(&self, host: &str, port: u16, profile: Option<&str>, until: handoff_model::time::Timestamp) {
        self.0.transport.gates.close_until(host, port, profile, until);
    }

    /// Opens a closed gate. None if there is no such gate, false if it was open.
    #[must_use]
    pub fn open_gate(&self, target: &str, profile: Option<&str>) -> Option<bool> {
        self.0.transport.gates.open(target, profile)
    }

    /// A look-up during a delivery: a safe method, or a path that the grant lists as a look-up. `from` is the scope of the
    /// installation.
    pub async fn look_up(&self, from: &Scope, grants: &Grants, request: &Request) -> Result<Response, HttpError> {
        let grant = check_request(grants, request, Purpose::LookUp, &self.0.limits)?;
        match self.attempt(from, grant, request, None).await {
            Ok(answer) => Ok(answer.response),
            Err(Obstacle::Http(error)) => Err(error),
            Err(Obstacle::Auth(AuthError::Closed { after_ms, .. })) => Err(HttpError::Unavailable(after_ms)),
            Err(Obstacle::Auth(error @ AuthError::Setup { .. })) => Err(HttpError::Denied(error.to_string())),
            Err(Obstacle::Auth(error @ AuthError::Later { .. })) => Err(HttpError::Unreachable(error.to_string())),
        }
    }

    /// One attempt at an outbox request: any granted method, with `Idempotency-Key`.
    ///
    /// Status 408, 425, 429 and 5xx, and network failures, are retried; everything else is an answer.
    pub async fn send(&self, from: &Scope, grants: &Grants, request: &Request, idempotency_key: &str) -> SendOutcome {
        let grant = match check_request(grants, request, Purpose::Outbox, &self.0.limits) {
            Ok(grant) => grant,
            Err(error) => return SendOutcome::Failed { error: error.to_string(), may_have_arrived: false },
        };
        match self.attempt(from, grant, request, Some(idempotency_key)).await {
            Ok(Answer { response, wait }) => match response.status {
                status @ (408 | 425 | 429 | 500..) => SendOutcome::Retry {
                    error: explain_status(&request.url, status, wait),
                    status: Some(status),
                    after_ms: wait.map(|(ms, _)| ms),
                    may_have_arrived: true,
                },
                _ => SendOutcome::Answered(response),
            },
            Err(
                Obstacle::Http(HttpError::Unavailable(after_ms)) | Obstacle::Auth(AuthError::Closed { after_ms, .. }),
            ) => SendOutcome::NotNow { after_ms },
            Err(Obstacle::Http(error @ HttpError::Unreachable(_))) => again(&error, false),
            Err(Obstacle::Http(error @ (HttpError::Interrupted(_) | HttpError::Timeout(_)))) => again(&error, true),
            Err(Obstacle::Auth(error @ AuthError::Later { .. })) => again(&error, false),
            // A response over the limit is still an answer: the target did the work, and sending again would repeat it.
            Err(Obstacle::Http(error)) => {
                let may_have_arrived = matches!(error, HttpError::ResponseTooLarge(_));
                SendOutcome::Failed { error: error.to_string(), may_have_arrived }
            }
            Err(Obstacle::Auth(error)) => SendOutcome::Failed { error: error.to_string(), may_have_arrived: false },
        }
    }

    /// Sends; after a 401 once more, if there are new credentials by then. A 401 means that the target did nothing.
    async fn attempt(
        &self,
        from: &Scope,
        grant: &HttpGrant,
        request: &Request,
        key: Option<&str>,
    ) -> Result<Answer, Obstacle> {
        let mut renewed = false;
        let profile = request.auth.as_ref().and_then(|name| grant.auth.get(name));
        if let Some(profile) = profile {
            self.check_scope(profile, from).map_err(Obstacle::Http)?;
        }
        loop {
            let mut outgoing = self.outgoing(grant, request, profile, key).map_err(Obstacle::Http)?;
            let used = match profile {
                Some(profile) => {
                    let applied = self.0.auth.apply(profile, &mut outgoing.headers, &mut outgoing.body).await;
                    Some((profile, applied.map_err(|error| Obstacle::Auth(self.clean_auth(error)))?))
                }
                None => None,
            };
            if used.is_some() {
                // Credentials cannot be removed from an encoded response.
                outgoing.headers.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            let answer = self.0.transport.exchange(outgoing).await;
            let answer = answer.map_err(|error| Obstacle::Http(self.clean_error(error)))?;
            if let (401, Some((profile, used)), false) = (answer.response.status, &used, renewed) {
                renewed = true;
                if self.0.auth.renew(profile, used).await {
                    continue;
                }
            }
            let response = self.clean_response(answer.response, profile.map(String::as_str));
            return Ok(Answer { response, wait: answer.wait });
        }
    }

    /// The configuration may have been narrowed since the profile was granted.
    fn check_scope(&self, profile: &str, from: &Scope) -> Result<(), HttpError> {
        if self.0.auth_scopes.get(profile).is_none_or(|scopes| scopes.contains(from)) {
            return Ok(());
        }
        Err(HttpError::Denied(format!(
            "the auth profile `{profile}` is not for `{from}`: grant another one, or extend `rooftops` or `groups` of it and \
             of its secret in handoff.toml"
        )))
    }

    fn outgoing(
        &self,
        grant: &HttpGrant,
        request: &Request,
        profile: Option<&String>,
        key: Option<&str>,
    ) -> Result<Outgoing, HttpError> {
        let invalid = |field: &str| HttpError::Invalid(format!("{field}: changed since it was checked"));
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("headers"))?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| invalid("headers"))?);
        }
        if let Some(key) = key {
            headers.insert("idempotency-key", idempotency_value(key));
        }
        let timeout_ms = request.timeout_ms.unwrap_or(self.0.limits.http_timeout_ms);
        Ok(Outgoing {
            method: Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("method"))?,
            url: Url::parse(&request.url).map_err(|_| invalid("url"))?,
            credential: profile.cloned(),
            headers,
            body: request.body.clone(),
            timeout: Duration::from_millis(timeout_ms.into()),
            private_addresses: grant.private_addresses,
            response_bytes: self.0.limits.response_body_bytes,
        })
    }

    /// Removes credentials that a target echoes.
    fn clean_response(&self, mut response: Response, profile: Option<&str>) -> Response {
        let echoed = profile.and_then(|profile| self.0.auth.field(profile));
        response.headers.retain(|(name, _)| echoed.as_ref() != Some(name));
        response.headers.retain(|(name, _)| matches!(self.0.redactor.text(name), std::borrow::Cow::Borrowed(_)));
        if profile.is_some() && !response.body.is_empty() && is_packed(&response) {
            tracing::warn!(
                status = response.status,
                "withheld the body of a response: the target encoded it although the request forbids that, and the host \
                 cannot check whether it echoes credentials"
            );
            response.body.clear();
            response.headers.retain(|(name, _)| !matches!(name.as_str(), "content-length" | "content-encoding"));
        }
        for (_, value) in &mut response.headers {
            *value = self.0.redactor.text(value).into_owned();
        }
        if let std::borrow::Cow::Owned(clean) = self.0.redactor.bytes(&response.body) {
            response.body = clean;
            response.headers.retain(|(name, _)| name != "content-length");
        }
        response
    }

    fn clean_error(&self, error: HttpError) -> HttpError {
        let clean = |text: String| self.0.redactor.text(&text).into_owned();
        match error {
            HttpError::Denied(text) => HttpError::Denied(clean(text)),
            HttpError::Invalid(text) => HttpError::Invalid(clean(text)),
            HttpError::Unreachable(text) => HttpError::Unreachable(clean(text)),
            HttpError::Interrupted(text) => HttpError::Interrupted(clean(text)),
            HttpError::Timeout(text) => HttpError::Timeout(clean(text)),
            HttpError::ResponseTooLarge(text) => HttpError::ResponseTooLarge(clean(text)),
            HttpError::LimitExceeded(text) => HttpError::LimitExceeded(clean(text)),
            HttpError::Unavailable(ms) => HttpError::Unavailable(ms),
        }
    }

    fn clean_auth(&self, error: AuthError) -> AuthError {
        let clean = |text: String| self.0.redactor.text(&text).into_owned();
        match error {
            AuthError::Setup { profile, problem } => AuthError::Setup { profile, problem: clean(problem) },
            AuthError::Later { profile, problem } => AuthError::Later { profile, problem: clean(problem) },
            closed @ AuthError::Closed { .. } => closed,
        }
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Egress")
    }
}

/// Whether the body has an encoding that the host does not decode (RFC 9110, section 8.4), or is partial.
fn is_packed(response: &Response) -> bool {
    let coded = |(name, value): &(String, String)| {
        name == "content-encoding" && !value.split(',').all(|code| code.trim().eq_ignore_ascii_case("identity"))
    };
    response.status == 206 || response.headers.iter().any(coded)
}

/// The key itself if a header field can carry it, else its hash: equal keys give equal values.
fn idempotency_value(key: &str) -> HeaderValue {
    let plain = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let hashed = || hex::encode(sha2::Sha256::digest(key));
    let text = if plain { key.to_owned() } else { hashed() };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn explain_status(url: &str, status: u16, wait: Option<(u64, LimitClass)>) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    match wait {
        Some((ms, LimitClass::Quota)) => format!("{origin}: status {status}, quota exhausted for {ms} ms"),
        Some((ms, LimitClass::Pace)) => format!("{origin}: status {status}, asks to wait {ms} ms"),
        None => format!("{origin}: status {status}"),
    }
}

#[cfg(test)]
mod tests;
