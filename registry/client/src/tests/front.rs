//! A proxy in front of our own server that forwards requests, and on demand forges answers, is busy or drops
//! connections.

use bytes::Bytes;
use handoff_registry_server::{Access, Server, ServerOptions};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) struct Front {
    shared: Arc<Shared>,
    url: String,
    accept: JoinHandle<()>,
    _server: Server,
    _data: TempDir,
}

struct Shared {
    client: reqwest::Client,
    behind: String,
    /// Forged answers to GET, by path.
    lies: Mutex<HashMap<String, Bytes>>,
    /// Whether it has no referrers API, like registries before version 1.1 of the specification.
    is_old: bool,
    /// Answers every n-th request with 503 and drops another one; 0: never.
    trouble_every: AtomicUsize,
    requests: AtomicUsize,
}

impl Front {
    pub(super) async fn start() -> Self {
        Self::with_access(|_| Access::Open).await
    }

    /// A registry without a referrers API.
    pub(super) async fn old() -> Self {
        Self::before(true, |_| Access::Open).await
    }

    pub(super) async fn with_access(access: impl FnOnce(&TempDir) -> Access) -> Self {
        Self::before(false, access).await
    }

    async fn before(is_old: bool, access: impl FnOnce(&TempDir) -> Access) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut options = ServerOptions::new(([127, 0, 0, 1], 0).into(), data.path().join("data"));
        options.access = access(&data);
        let server = Server::start(options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared = Arc::new(Shared {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            behind: server.url(),
            lies: Mutex::default(),
            is_old,
            trouble_every: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let accept = tokio::spawn(accept(listener, shared.clone()));
        Self { shared, url, accept, _server: server, _data: data }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sets the answer to a GET below the package's repository.
    pub(super) fn forge(&self, path: &str, bytes: &[u8]) {
        let path = format!("/v2/{}/{path}", super::packages::name());
        self.shared.lies.lock().unwrap().insert(path, Bytes::copy_from_slice(bytes));
    }

    pub(super) fn is_old(&self) -> bool {
        self.shared.is_old
    }

    pub(super) fn make_trouble_every(&self, requests: usize) {
        self.shared.trouble_every.store(requests, Ordering::SeqCst);
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(shared.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let number = shared.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let every = shared.trouble_every.load(Ordering::SeqCst);
    if every > 0 && number.is_multiple_of(every) {
        // Drop the request before or after the server has seen it.
        if (number / every).is_multiple_of(2) {
            return Err(std::io::Error::other("connection dropped"));
        }
        let _ = pass_on(&shared, request).await;
        return Ok(respond(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), Bytes::new()));
    }
    let lie = shared.lies.lock().unwrap().get(request.uri().path()).cloned();
    if let Some(lie) = lie.filter(|_| request.method() == Method::GET) {
        return Ok(respond(StatusCode::OK, &HeaderMap::new(), lie));
    }
    if shared.is_old && request.uri().path().contains("/referrers/") {
        return Ok(respond(StatusCode::NOT_FOUND, &HeaderMap::new(), Bytes::new()));
    }
    let Ok(mut response) = pass_on(&shared, request).await;
    if shared.is_old {
        response.headers_mut().remove("oci-subject");
    }
    Ok(response)
}

async fn pass_on(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let url = format!("{}{}", shared.behind, parts.uri.path_and_query().unwrap());
    let mut headers = parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    let body = body.collect().await.unwrap().to_bytes();
    let sent = shared.client.request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (sent.status(), sent.headers().clone());
    Ok(respond(status, &headers, sent.bytes().await.unwrap()))
}

fn respond(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        if !matches!(*name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}
