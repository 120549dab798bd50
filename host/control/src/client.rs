//! Client of the control API: over the host's Unix socket, over TCP, or in process while the host is stopped. Returns
//! responses and problems; prints nothing.

mod error;
mod lines;
mod target;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::{Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use error::ClientError;
pub use target::{Target, Token};

use crate::operation::{Get, Method, Nothing, Operation, Post};
use crate::problem::Problem;

/// Timeout for a connection. A host on the same machine or network answers far sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of a response that is read into memory: a page of 1,000 events with maximum data fits.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The control API in process.
pub trait InProcess: Send + Sync {
    /// Answers one request.
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'_, http::Response<Bytes>>;
}

/// A client of a host. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    target: Target,
    in_process: Option<Arc<dyn InProcess>>,
}

impl Client {
    /// A client for `target`. Does not connect before the first request.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let setup = |reason: &dyn std::fmt::Display| ClientError::Setup(format!("cannot talk to {target}: {reason}"));
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Target::Socket(path) = &target {
            builder = builder.unix_socket(path.as_path());
        }
        let base = target.base()?;
        let http = builder.build().map_err(|error| setup(&error))?;
        Ok(Self { http, base, target, in_process: None })
    }

    /// A client that sends requests to this process instead of `target`.
    pub fn in_process(target: Target, host: Arc<dyn InProcess>) -> Result<Self, ClientError> {
        Ok(Self { in_process: Some(host), ..Self::new(target)? })
    }

    /// The address of the host.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Runs a read operation. `path` contains the values of the path parameters in order.
    pub async fn get<Q: Serialize, A: DeserializeOwned>(
        &self,
        operation: &Get<Q, A>,
        path: &[&str],
        query: &Q,
    ) -> Result<A, ClientError> {
        self.get_within(operation, path, query, operation.timeout).await
    }

    /// Like [`Self::get`], with another timeout.
    pub async fn get_within<Q: Serialize, A: DeserializeOwned>(
        &self,
        operation: &Get<Q, A>,
        path: &[&str],
        query: &Q,
        timeout: Duration,
    ) -> Result<A, ClientError> {
        self.answer(self.request(operation, path, query)?, timeout).await
    }

    /// Runs an operation that changes something. `path` contains the values of the path parameters in order.
    pub async fn post<B: Serialize, A: DeserializeOwned>(
        &self,
        operation: &Post<B, A>,
        path: &[&str],
        body: &B,
    ) -> Result<A, ClientError> {
        self.answer(self.request(operation, path, &Nothing {})?.json(body), operation.timeout).await
    }

    /// Uploads bytes.
    pub async fn put<A: DeserializeOwned>(&self, operation: &Post<Vec<u8>, A>, body: Bytes) -> Result<A, ClientError> {
        let request =
            self.request(operation, &[], &Nothing {})?.header("content-type", operation.body.name()).body(body);
        self.answer(request, operation.timeout).await
    }

    fn request<Q: Serialize, P, B, A>(
        &self,
        operation: &Operation<P, B, A>,
        path: &[&str],
        query: &Q,
    ) -> Result<RequestBuilder, ClientError> {
        let mut url = self.url(operation.path, path)?;
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
        let method = match operation.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let request = self.http.request(method, url);
        Ok(match &self.target {
            Target::Socket(_) => request,
            Target::Tcp { token, .. } => request.bearer_auth(token.expose()),
        })
    }

    /// Builds the URL of an operation: replaces each part in braces by the next value, percent-encoded.
    fn url(&self, template: &str, values: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.base.clone();
        let mut values = values.iter();
        {
            let mut segments =
                url.path_segments_mut().map_err(|()| ClientError::Setup(format!("{} has no path", self.target)))?;
            segments.pop_if_empty();
            for part in template.trim_start_matches('/').split('/') {
                let is_parameter = part.starts_with('{');
                segments.push(if is_parameter { values.next().copied().unwrap_or_default() } else { part });
            }
        }
        Ok(url)
    }

    async fn answer<A: DeserializeOwned>(&self, request: RequestBuilder, timeout: Duration) -> Result<A, ClientError> {
        let request = request.timeout(timeout).build().map_err(|error| ClientError::Setup(error.to_string()))?;
        let only_reads = request.method() == reqwest::Method::GET;
        let bytes = self.exchange(request, timeout).await;
        let bytes = bytes.map_err(|error| if only_reads { error.of_a_read() } else { error })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.unexpected(&format!("{error}; are both of the same version?")))
    }

    async fn exchange(&self, request: Request, timeout: Duration) -> Result<Bytes, ClientError> {
        let response = self.execute(request, timeout).await?;
        self.body(response, timeout).await
    }

    /// Sends a request. Returns a successful response or an error.
    async fn execute(&self, request: Request, timeout: Duration) -> Result<Response, ClientError> {
        let response = match &self.in_process {
            Some(host) => host.answer(in_memory(request)?).await.into(),
            None => self.http.execute(request).await.map_err(|error| self.transport(&error, timeout))?,
        };
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response, timeout).await) }
    }

    /// The error of a failed request: its problem details, or that the response has none.
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
        ClientError::of_transport(&self.target, error, timeout)
    }

    fn unexpected(&self, reason: &str) -> ClientError {
        ClientError::Unexpected { target: self.target.to_string(), reason: reason.to_owned() }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.target)
    }
}

/// Converts the request with its whole body.
fn in_memory(request: Request) -> Result<http::Request<Bytes>, ClientError> {
    let request = http::Request::<reqwest::Body>::try_from(request);
    let (head, body) = request.map_err(|error| ClientError::Setup(error.to_string()))?.into_parts();
    let body = body.as_bytes().map(Bytes::copy_from_slice).unwrap_or_default();
    Ok(http::Request::from_parts(head, body))
}
