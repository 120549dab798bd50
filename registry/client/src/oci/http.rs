//! Sends one request: with TLS, time limits, a bounded response, retries where they are safe, and the login that the
//! registry requires. It does not interpret the content.

use super::auth::Auth;
use super::links;
use crate::{ClientError, Options};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use handoff_package::manifest::printable;
use handoff_package::reference::OciRef;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Maximum number of redirects, for example to a registry's storage service.
const REDIRECTS_MAX: usize = 5;
/// Size limit of an error response, in bytes.
const ERROR_BYTES_MAX: usize = 16 * 1024;
/// Longest wait that a busy registry may request.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Description for errors.
    pub(super) what: String,
    /// The repository, for the login.
    pub(super) repository: Option<String>,
    pub(super) body: Option<Bytes>,
    /// Limit on the bytes of the response that are read.
    pub(super) body_max: usize,
    /// The request cannot simply be repeated.
    pub(super) once: bool,
    headers: Vec<(HeaderName, String)>,
}

impl Ask {
    pub(super) fn new(method: Method, url: Url, what: &str) -> Self {
        Self {
            method,
            url,
            what: what.to_owned(),
            repository: None,
            body: None,
            body_max: ERROR_BYTES_MAX,
            once: false,
            headers: Vec::new(),
        }
    }

    pub(super) fn header(&mut self, name: HeaderName, value: String) {
        self.headers.push((name, value));
    }

    pub(super) fn is_push(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// At most as many bytes as requested.
    pub(super) body: Bytes,
}

/// Sends requests to one registry.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    auth: Auth,
    origin: Url,
    retries: u32,
    retry_delay: Duration,
}

impl Http {
    pub(super) fn new(reference: &OciRef, options: &Options) -> Result<Self, ClientError> {
        let https = reference.origin.scheme() == "https";
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(options)?)
            .redirect(redirects(https))
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("Handoff/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_millis(options.connect_timeout_ms))
            .timeout(Duration::from_millis(options.request_timeout_ms));
        if let Some(proxy) = &options.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|error| {
                ClientError::Options(format!(
                    "the proxy is not a URL such as http://proxy.example.com:3128: {}",
                    chain(&error.without_url())
                ))
            })?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| ClientError::Options(chain(&error)))?;
        Ok(Self {
            client,
            auth: Auth::new(reference, options),
            origin: reference.origin.clone(),
            retries: options.retries,
            retry_delay: Duration::from_millis(options.retry_delay_ms),
        })
    }

    pub(super) const fn retries(&self) -> u32 {
        self.retries
    }

    /// Waits before the next attempt; the wait doubles each time.
    pub(super) async fn pause(&self, attempt: u32) {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        tokio::time::sleep(self.retry_delay.saturating_mul(factor)).await;
    }

    /// Sends the request, logs in if required, and retries after a network failure or if the registry is busy.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut attempt = 0;
        loop {
            let outcome = self.logged_in(ask).await;
            let again = match &outcome {
                Err(ClientError::Unreachable { .. }) => true,
                Ok(answer) => is_busy(answer.status),
                Err(_) => false,
            };
            if !again || ask.once || attempt >= self.retries {
                return outcome;
            }
            attempt += 1;
            match outcome.ok().and_then(|answer| retry_after(&answer.headers)) {
                Some(wait) => tokio::time::sleep(wait.min(RETRY_AFTER_MAX)).await,
                None => self.pause(attempt).await,
            }
        }
    }

    /// Converts an error response.
    pub(super) fn refused(&self, answer: &Answer, what: &str) -> ClientError {
        let (registry, what, problem) = (self.registry(), what.to_owned(), explanation(answer));
        match answer.status {
            StatusCode::UNAUTHORIZED => ClientError::Unauthorized { registry, what, problem },
            status => ClientError::Refused { registry, what, status: status.as_u16(), problem },
        }
    }

    async fn logged_in(&self, ask: &Ask) -> Result<Answer, ClientError> {
        // Credentials are for the registry only, wherever it directs an upload.
        let ours = ask.url.origin() == self.origin.origin();
        let known = if ours { self.auth.known(ask) } else { None };
        let answer = self.once(ask, known.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !ours {
            return Ok(answer);
        }
        let challenges = links::challenges(&answer.headers);
        let get = |url: Url, authorization: Option<HeaderValue>| {
            let mut ask = Ask::new(Method::GET, url, "a token");
            ask.body_max = ERROR_BYTES_MAX * 4;
            async move { self.once(&ask, authorization).await }
        };
        let post = |url: Url, form: String| {
            let mut ask = Ask::new(Method::POST, url, "a token");
            ask.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned());
            ask.body = Some(Bytes::from(form));
            ask.body_max = ERROR_BYTES_MAX * 4;
            async move { self.once(&ask, None).await }
        };
        match self.auth.answer(ask, &challenges, known.as_ref(), get, post).await? {
            Some(authorization) => self.once(ask, Some(authorization)).await,
            None => Ok(answer),
        }
    }

    async fn once(&self, ask: &Ask, authorization: Option<HeaderValue>) -> Result<Answer, ClientError> {
        let mut request = self.client.request(ask.method.clone(), ask.url.clone());
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body_max = if status.is_success() { ask.body_max } else { ERROR_BYTES_MAX };
        // Reserve the announced size to avoid copies while the body grows, but never more than the limit.
        let said = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut body = BytesMut::with_capacity(said.unwrap_or(0).min(body_max));
        let mut parts = response.bytes_stream();
        while body.len() < body_max
            && let Some(part) = parts.next().await
        {
            let part = part.map_err(|error| self.unreachable(error))?;
            let room = body_max.saturating_sub(body.len());
            body.extend_from_slice(part.get(..room).unwrap_or(&part));
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        let error = error.without_url();
        let text = chain(&error);
        let registry = self.registry();
        // A retry would not help.
        if error.is_redirect() || error.is_builder() {
            return ClientError::Protocol { registry, what: "a request".to_owned(), problem: text };
        }
        let hint = if text.contains("UnknownIssuer") {
            "; if it uses a private certificate authority, configure the PEM file of that authority for this registry"
        } else {
            ""
        };
        ClientError::Unreachable { registry, problem: format!("{text}{hint}") }
    }

    fn registry(&self) -> String {
        self.origin.as_str().trim_end_matches('/').to_owned()
    }
}

/// TLS 1.2 and 1.3 with ring; certificates are always verified.
fn tls(options: &Options) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    if options.system_cas {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "cannot read some of the system's certificate authorities");
        }
        roots.add_parsable_certificates(found.certs);
    }
    for path in &options.extra_ca_files {
        add_file(&mut roots, path).map_err(|problem| ClientError::Io { path: path.clone(), problem })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Options(format!("TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut added = 0_u32;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        added += 1;
    }
    if added == 0 { Err("contains no certificate; expected PEM with BEGIN CERTIFICATE".to_owned()) } else { Ok(()) }
}

/// reqwest drops credentials when a redirect leads to another host; here only a downgrade to plain HTTP must be
/// prevented.
fn redirects(https: bool) -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if https && attempt.url().scheme() != "https" {
            attempt.error("it redirects from https to http")
        } else {
            attempt.follow()
        }
    })
}

pub(super) fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// In seconds; a date is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The registry's message, otherwise the reason phrase of the status.
fn explanation(answer: &Answer) -> String {
    let errors = serde_json::from_slice::<Errors>(&answer.body).map(|found| found.errors).unwrap_or_default();
    let said = errors.iter().take(3).map(|error| format!("{} {}", error.code, error.message)).collect::<Vec<_>>();
    let text = if said.is_empty() {
        answer.status.canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        said.join("; ")
    };
    printable(text.trim(), 600)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
