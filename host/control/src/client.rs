//! HTTP client of the control API, over its Unix socket or TCP. Returns views and problems; shows nothing.

mod error;
mod lines;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use error::ClientError;

use super::problem::Problem;
use crate::ChangeRequest;
use crate::dead_letters::{DeadLetterList, DeadLetterQuery, DeadLetterReport, DeadLetterRequest};
use crate::events::{EventList, EventQuery, EventView};
use crate::history::{AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView, HistoryView};
use crate::incidents::{IncidentList, IncidentView};
use crate::install::{InstallReport, InstallRequest};
use crate::installations::{InstallationList, InstallationView, PauseReport};
use crate::lock::{ApplyReport, ApplyRequest, LockView};
use crate::logs::{LogList, LogQuery};
use crate::outbox::{HeldReport, HeldRequest, OutboxId, OutboxList, OutboxQuery, OutboxRequestView};
use crate::packages::PackageView;
use crate::registry::{PullReport, PullRequest};
use crate::rollback::{RollbackReport, RollbackRequest};
use crate::status::StatusView;
use crate::trace::TraceView;
use crate::trust::{TrustReport, TrustRequest, TrustView};
use crate::upgrade::{UpgradeReport, UpgradeRequest};
use handoff_model::names::{InstallationName, Position};

/// Time for a connection. A host on the same machine or in the same building answers far sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for an answer that only reads.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for an answer that compiles a component (at most 120 s in the host) and runs its checks.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(300);
/// Time for an answer that does so for many installations.
const APPLY_TIMEOUT: Duration = Duration::from_secs(3_600);
/// Largest answer that is read into memory: a page of 1,000 events with their largest data fits well.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where a host listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its Unix socket: who may open the file may use it.
    Socket(PathBuf),
    /// Its TCP listener, with a token.
    Tcp {
        /// Scheme, host and port.
        url: Url,
        /// Bearer token.
        token: Token,
    },
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp { url, .. } => write!(f, "{url}"),
        }
    }
}

/// A bearer token that shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token; white space around it is dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A client of one host. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    target: Target,
}

impl Client {
    /// A client for `target`. Connects only when asked something.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        // Whoever installed a provider before is as good: only one may exist.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let setup = |reason: &dyn std::fmt::Display| ClientError::Setup(format!("cannot talk to {target}: {reason}"));
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let base = match &target {
            Target::Socket(path) => {
                builder = builder.unix_socket(path.as_path());
                Url::parse("http://localhost/").map_err(|error| setup(&error))?
            }
            Target::Tcp { url, .. } => {
                check_url(url)?;
                url.clone()
            }
        };
        let http = builder.build().map_err(|error| setup(&error))?;
        Ok(Self { http, base, target })
    }

    /// Where the host listens.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// `GET /v1/status`
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        self.get(&["status"], &()).await
    }

    /// `PUT /v1/packages`
    pub async fn put_package(&self, component: Bytes) -> Result<PackageView, ClientError> {
        let request =
            self.request(Method::PUT, &["packages"])?.header("content-type", "application/wasm").body(component);
        self.answer(request, INSTALL_TIMEOUT).await
    }

    /// `POST /v1/packages/pull`
    pub async fn pull(&self, request: &PullRequest) -> Result<PullReport, ClientError> {
        self.post(&["packages", "pull"], request, INSTALL_TIMEOUT).await
    }

    /// `GET /v1/trust`
    pub async fn trust(&self) -> Result<TrustView, ClientError> {
        self.get(&["trust"], &()).await
    }

    /// `POST /v1/trust`
    pub async fn change_trust(&self, request: &TrustRequest) -> Result<TrustReport, ClientError> {
        self.post(&["trust"], request, READ_TIMEOUT).await
    }

    /// `GET /v1/lock`
    pub async fn lock(&self) -> Result<LockView, ClientError> {
        self.get(&["lock"], &()).await
    }

    /// `POST /v1/apply`
    pub async fn apply(&self, request: &ApplyRequest) -> Result<ApplyReport, ClientError> {
        self.post(&["apply"], request, APPLY_TIMEOUT).await
    }

    /// `GET /v1/installations`
    pub async fn installations(&self) -> Result<InstallationList, ClientError> {
        self.get(&["installations"], &()).await
    }

    /// `GET /v1/installations/{name}`
    pub async fn installation(&self, name: &InstallationName) -> Result<InstallationView, ClientError> {
        self.get(&["installations", name.as_str()], &()).await
    }

    /// `POST /v1/installations`
    pub async fn install(&self, request: &InstallRequest) -> Result<InstallReport, ClientError> {
        self.post(&["installations"], request, INSTALL_TIMEOUT).await
    }

    /// `POST /v1/installations/{name}/upgrade`
    pub async fn upgrade(
        &self,
        name: &InstallationName,
        request: &UpgradeRequest,
    ) -> Result<UpgradeReport, ClientError> {
        self.post(&["installations", name.as_str(), "upgrade"], request, INSTALL_TIMEOUT).await
    }

    /// `GET /v1/installations/{name}/history`
    pub async fn history(&self, name: &InstallationName) -> Result<HistoryView, ClientError> {
        self.get(&["installations", name.as_str(), "history"], &()).await
    }

    /// `GET /v1/audit`
    pub async fn audit(&self, query: &AuditQuery) -> Result<AuditList, ClientError> {
        self.get(&["audit"], query).await
    }

    /// `GET /v1/audit/verify`
    pub async fn verify_audit(&self, query: &AuditVerifyQuery) -> Result<AuditVerifyView, ClientError> {
        self.get(&["audit", "verify"], query).await
    }

    /// `POST /v1/installations/{name}/rollback`
    pub async fn rollback(
        &self,
        name: &InstallationName,
        request: &RollbackRequest,
    ) -> Result<RollbackReport, ClientError> {
        self.post(&["installations", name.as_str(), "rollback"], request, INSTALL_TIMEOUT).await
    }

    /// `POST /v1/installations/{name}/pause`
    pub async fn pause(&self, name: &InstallationName, request: &ChangeRequest) -> Result<PauseReport, ClientError> {
        self.post(&["installations", name.as_str(), "pause"], request, READ_TIMEOUT).await
    }

    /// `POST /v1/installations/{name}/resume`
    pub async fn resume(&self, name: &InstallationName, request: &ChangeRequest) -> Result<PauseReport, ClientError> {
        self.post(&["installations", name.as_str(), "resume"], request, READ_TIMEOUT).await
    }

    /// `GET /v1/events`
    pub async fn events(&self, query: &EventQuery) -> Result<EventList, ClientError> {
        self.get(&["events"], query).await
    }

    /// `GET /v1/events/{position}`
    pub async fn event(&self, position: Position) -> Result<EventView, ClientError> {
        self.get(&["events", &position.to_string()], &()).await
    }

    /// `GET /v1/events/{position}/trace`
    pub async fn trace(&self, position: Position) -> Result<TraceView, ClientError> {
        self.get(&["events", &position.to_string(), "trace"], &()).await
    }

    /// `GET /v1/dead-letters`
    pub async fn dead_letters(&self, query: &DeadLetterQuery) -> Result<DeadLetterList, ClientError> {
        self.get(&["dead-letters"], query).await
    }

    /// `POST /v1/dead-letters/redrive`
    pub async fn redrive(&self, request: &DeadLetterRequest) -> Result<DeadLetterReport, ClientError> {
        self.post(&["dead-letters", "redrive"], request, INSTALL_TIMEOUT).await
    }

    /// `POST /v1/dead-letters/discard`
    pub async fn discard(&self, request: &DeadLetterRequest) -> Result<DeadLetterReport, ClientError> {
        self.post(&["dead-letters", "discard"], request, INSTALL_TIMEOUT).await
    }

    /// `GET /v1/logs`; waits for a message if the query says so.
    pub async fn logs(&self, query: &LogQuery) -> Result<LogList, ClientError> {
        let wait = Duration::from_millis(query.wait_ms.unwrap_or(0));
        let request = self.with_query(Method::GET, &["logs"], query)?;
        self.answer(request, READ_TIMEOUT + wait).await
    }

    /// `GET /v1/outbox`
    pub async fn outbox(&self, query: &OutboxQuery) -> Result<OutboxList, ClientError> {
        self.get(&["outbox"], query).await
    }

    /// `GET /v1/outbox/{installation}/{position}`
    pub async fn outbox_request(&self, id: &OutboxId) -> Result<OutboxRequestView, ClientError> {
        self.get(&["outbox", id.installation.as_str(), &id.position.to_string()], &()).await
    }

    /// `GET /v1/incidents`
    pub async fn incidents(&self) -> Result<IncidentList, ClientError> {
        self.get(&["incidents"], &()).await
    }

    /// `POST /v1/incidents/{id}/close`
    pub async fn close_incident(&self, id: &str, change: &ChangeRequest) -> Result<IncidentView, ClientError> {
        self.post(&["incidents", id, "close"], change, READ_TIMEOUT).await
    }

    /// `POST /v1/outbox/release`
    pub async fn release_held(&self, request: &HeldRequest) -> Result<HeldReport, ClientError> {
        self.post(&["outbox", "release"], request, INSTALL_TIMEOUT).await
    }

    /// `POST /v1/outbox/discard`
    pub async fn discard_held(&self, request: &HeldRequest) -> Result<HeldReport, ClientError> {
        self.post(&["outbox", "discard"], request, INSTALL_TIMEOUT).await
    }

    /// `GET /v1/metrics`, as OpenMetrics text.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let bytes = self.bytes(self.request(Method::GET, &["metrics"])?, READ_TIMEOUT).await?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.unexpected("the metrics are not text"))
    }

    async fn get<Q: Serialize, T: DeserializeOwned>(&self, path: &[&str], query: &Q) -> Result<T, ClientError> {
        self.answer(self.with_query(Method::GET, path, query)?, READ_TIMEOUT).await
    }

    async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
        timeout: Duration,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::POST, path)?.json(body), timeout).await
    }

    fn url(&self, path: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Setup(format!("{} has no path", self.target)))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        Ok(url)
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, ClientError> {
        Ok(self.authorized(self.http.request(method, self.url(path)?)))
    }

    fn with_query<Q: Serialize>(
        &self,
        method: Method,
        path: &[&str],
        query: &Q,
    ) -> Result<RequestBuilder, ClientError> {
        let mut url = self.url(path)?;
        let fields = serde_json::to_value(query).map_err(|error| ClientError::Setup(error.to_string()))?;
        if let serde_json::Value::Object(fields) = fields
            && !fields.is_empty()
        {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &fields {
                match value {
                    serde_json::Value::String(text) => pairs.append_pair(name, text),
                    other => pairs.append_pair(name, &other.to_string()),
                };
            }
        }
        Ok(self.authorized(self.http.request(method, url)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.target {
            Target::Socket(_) => request,
            Target::Tcp { token, .. } => request.bearer_auth(&token.0),
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder, timeout: Duration) -> Result<T, ClientError> {
        let bytes = self.bytes(request, timeout).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.unexpected(&format!("{error}; are both of the same version?")))
    }

    async fn bytes(&self, request: RequestBuilder, timeout: Duration) -> Result<Bytes, ClientError> {
        let request = request.timeout(timeout).build().map_err(|error| ClientError::Setup(error.to_string()))?;
        let only_reads = request.method() == Method::GET;
        let answer = self.exchange(request, timeout).await;
        answer.map_err(|error| if only_reads { error.of_a_look() } else { error })
    }

    async fn exchange(&self, request: Request, timeout: Duration) -> Result<Bytes, ClientError> {
        let response = self.http.execute(request).await.map_err(|error| self.transport(&error, timeout))?;
        if !response.status().is_success() {
            return Err(self.refusal(response, timeout).await);
        }
        self.body(response, timeout).await
    }

    /// Why a request was refused, or why nobody can say.
    async fn refusal(&self, response: Response, timeout: Duration) -> ClientError {
        let status = response.status();
        let body = match self.body(response, timeout).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(mut problem) => {
                problem.status = status.as_u16();
                ClientError::Problem(Box::new(problem))
            }
            Err(_) => self.unexpected(&format!("HTTP status {status} without problem details")),
        }
    }

    async fn body(&self, mut response: Response, timeout: Duration) -> Result<Bytes, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error, timeout))? {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err(self.unexpected(&format!("more than {ANSWER_BYTES_MAX} bytes; ask for fewer with a limit")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    fn transport(&self, error: &reqwest::Error, timeout: Duration) -> ClientError {
        let target = self.target.to_string();
        if error.is_timeout() && !error.is_connect() {
            return ClientError::TimedOut { target, seconds: timeout.as_secs() };
        }
        let io = io_kind(error);
        let nobody_listens = matches!(io, Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused));
        let reason = match (&self.target, io) {
            (Target::Socket(_), Some(std::io::ErrorKind::NotFound)) => "there is no such socket".to_owned(),
            (Target::Socket(_), Some(std::io::ErrorKind::ConnectionRefused)) => {
                "nobody listens on the socket".to_owned()
            }
            (Target::Socket(path), Some(std::io::ErrorKind::PermissionDenied)) => permission(path),
            _ => innermost(error),
        };
        let was_sent = !error.is_connect() && !nobody_listens && io != Some(std::io::ErrorKind::PermissionDenied);
        if was_sent {
            return ClientError::Broken { target, reason };
        }
        ClientError::Unreachable { target, reason, nobody_listens }
    }

    fn unexpected(&self, reason: &str) -> ClientError {
        ClientError::Unexpected { target: self.target.to_string(), reason: reason.to_owned() }
    }
}

/// A token must not cross a network in the clear.
fn check_url(url: &Url) -> Result<(), ClientError> {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err(ClientError::Setup(format!(
            "{url} would send the token in the clear: use https, or a tunnel to a loopback address"
        ))),
        other => Err(ClientError::Setup(format!("`{other}` is not a scheme for a host: use https://host:port"))),
    }
}

fn permission(path: &Path) -> String {
    format!("this user may not open it; run as the user or group that owns {}", path.display())
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() != std::io::ErrorKind::Other
        {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
