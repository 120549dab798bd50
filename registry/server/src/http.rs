//! Requests and answers: maps paths to the endpoints of the OCI Distribution Specification 1.1, checks access, and
//! moves blocking work off the async threads. The rules are in `publish` and `auth`.

mod blobs;
pub(super) mod body;
mod connection;
mod failure_counts;
pub(super) mod listen;
mod lists;
mod manifests;
mod namespaces;
mod query;
mod token;
mod uploads;

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use url::Url;

use crate::auth::{Action, Auth, Caller};
use crate::clock::Clock;
use crate::failure_counts::FailureCounts;
use crate::name::{Repository, shorten};
use crate::namespaces::Namespaces;
use crate::pages;
use crate::publisher_keys::{Keys, PublisherKeys};
use crate::refusal::{Code, Refusal};
use crate::storage::Storage;
use crate::uploads::Uploads;
use body::Body;
use handoff_listen::{HostProblem, Hosts, TrustedProxies};
use query::Query;

/// Maximum number of header fields of a request.
const HEADERS_MAX: usize = 100;
/// Maximum length of a path with its query, in characters.
const TARGET_CHARS_MAX: usize = 8 << 10;
const API_VERSION: &str = "registry/2.0";

/// State shared by all requests.
#[derive(Debug)]
pub(super) struct App {
    pub(super) storage: Arc<Storage>,
    pub(super) uploads: Arc<Uploads>,
    pub(super) auth: Auth,
    /// None: any well-formed signature is accepted.
    pub(super) publisher_keys: Option<PublisherKeys>,
    pub(super) namespaces: Namespaces,
    pub(super) failure_counts: FailureCounts,
    pub(super) hosts: Hosts,
    pub(super) public_url: Option<Url>,
    pub(super) proxies: TrustedProxies,
    pub(super) has_tls: bool,
    pub(super) clock: Clock,
}

impl App {
    /// Who may sign for whom.
    pub(super) fn keys(&self) -> Keys<'_> {
        Keys { folder: self.publisher_keys.as_ref(), namespaces: &self.namespaces }
    }
}

/// The addresses of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) client: IpAddr,
    pub(super) local: IpAddr,
}

/// An answer or a refusal.
pub(super) type Answer = Result<Response<Body>, Refusal>;

/// A request being served.
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) parts: Parts,
    pub(super) query: Query,
    pub(super) body: Incoming,
    pub(super) client: IpAddr,
}

impl Call {
    /// Runs blocking work on another thread.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        blocking(&self.app, work).await
    }

    /// Checks that the caller may access the repository.
    async fn allow(&self, action: Action, repository: &Repository) -> Result<(), Refusal> {
        self.allow_any(action, Some(repository)).await.map(|_| ())
    }

    /// The same without a repository; returns the caller.
    pub(super) async fn allow_any(&self, action: Action, repository: Option<&Repository>) -> Result<Caller, Refusal> {
        let auth = &self.app.auth;
        let wanted = repository.map(|repository| (action, repository));
        match auth.caller(&self.parts.headers).await {
            Ok(caller) if auth.allows(&caller, action, repository) => Ok(caller),
            Ok(caller) => Err(auth.refuse(Ok(&caller), &self.base(), wanted)),
            Err(problem) => Err(auth.refuse(Err(&problem), &self.base(), wanted)),
        }
    }

    /// The base URL as the client sees it.
    pub(super) fn base(&self) -> String {
        if let Some(url) = &self.app.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        // It is a name of this server: that was checked before anything else.
        let host = self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}", if self.app.has_tls { "https" } else { "http" })
    }

    /// The host as the client sees it, with its port if it is not the usual one: signed requests are for one registry.
    fn host(&self) -> String {
        let base = self.base();
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
        host.split('/').next().unwrap_or(host).to_owned()
    }

    /// A header field as text.
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Runs blocking work on another thread. A failure of the server may have left the index behind the files.
pub(super) async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let state = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&state)).await;
    let done = done.unwrap_or_else(|panic| Err(Refusal::internal(&panic)));
    if let Err(refusal) = &done
        && refusal.code == Code::Unknown
        && let Ok(index) = app.storage.index()
    {
        index.suspect();
    }
    done
}

/// Answers a request. It never fails: an error is an answer too.
pub(super) async fn answer(app: Arc<App>, ends: Ends, request: Request<Incoming>) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    let is_page = !request.uri().path().starts_with("/v") && request.uri().path() != "/token";
    let mut response = match route(app, ends, request).await {
        Ok(response) => response,
        Err(refusal) if is_page => pages::refusal(&refusal),
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("docker-distribution-api-version", HeaderValue::from_static(API_VERSION));
    if is_head { body::without_content(response) } else { response }
}

async fn route(app: Arc<App>, ends: Ends, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let own = app.hosts.check(ends.local, parts.version, &parts.headers, &parts.uri);
    own.map_err(|problem| {
        let status = match &problem {
            HostProblem::Foreign(_) => StatusCode::MISDIRECTED_REQUEST,
            HostProblem::Missing | HostProblem::Repeated => StatusCode::BAD_REQUEST,
        };
        Refusal::new(Code::WrongHost, problem.to_string()).with_status(status)
    })?;
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if parts.headers.len() > HEADERS_MAX || target > TARGET_CHARS_MAX {
        let text =
            format!("a request has at most {HEADERS_MAX} header fields and a path of {TARGET_CHARS_MAX} characters");
        return Err(Refusal::new(Code::Unsupported, text).with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path().to_owned();
    let client = app.proxies.client(ends.client, &parts.headers);
    let call = Call { app, parts, query, body, client };
    match path.strip_prefix("/v2/") {
        Some("") => ping(&call).await,
        Some("_catalog") => lists::catalog(&call).await,
        Some(rest) => repository(call, rest).await,
        None => match path.as_str() {
            "/v2" => ping(&call).await,
            "/token" => token::give(&call).await,
            "/v1/search" => pages::search_json(&call).await,
            "/v1/namespaces" => namespaces::request(call).await,
            "/v1/failure-counts" => failure_counts::add(call).await,
            "/v1/failure-counts/query" => failure_counts::query(call).await,
            _ => pages::page(&call, &path).await,
        },
    }
}

/// Identifies this server as a registry and tells how to authenticate: clients ask here first.
async fn ping(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let auth = &call.app.auth;
    if auth.has_users() {
        let caller = auth.caller(&call.parts.headers).await;
        if !matches!(caller, Ok(Caller::User(_) | Caller::Token(_))) {
            // Also with anonymous reading: only here do clients learn how to log in for a push.
            return Err(auth.refuse(caller.as_ref(), &call.base(), None));
        }
    }
    Ok(body::json(StatusCode::OK, &serde_json::json!({})))
}

/// Paths below a repository: names contain slashes, so the end of the path decides.
async fn repository(call: Call, rest: &str) -> Answer {
    let parts: Vec<&str> = rest.split('/').collect();
    let name = |parts: &[&str]| Repository::parse(&parts.join("/"));
    match parts.as_slice() {
        [name_parts @ .., "blobs", "uploads", ""] | [name_parts @ .., "blobs", "uploads"] => {
            uploads::start(call, name(name_parts)?).await
        }
        [name_parts @ .., "blobs", "uploads", id] => uploads::one(call, name(name_parts)?, id).await,
        [name_parts @ .., "blobs", digest] => blobs::one(call, name(name_parts)?, digest).await,
        [name_parts @ .., "manifests", reference] => manifests::one(call, name(name_parts)?, reference).await,
        [name_parts @ .., "tags", "list"] => lists::tags(&call, name(name_parts)?).await,
        [name_parts @ .., "referrers", digest] => lists::referrers(&call, name(name_parts)?, digest).await,
        _ => Err(no_such_path(&call.parts)),
    }
}

/// The answer for an unknown path.
pub(super) fn no_such_path(parts: &Parts) -> Refusal {
    let text = format!(
        "`{}` does not exist: paths are those of the OCI Distribution Specification 1.1",
        shorten(parts.uri.path())
    );
    Refusal::new(Code::NotFound, text)
}

/// Refuses other methods.
pub(super) fn only(call: &Call, methods: &[Method]) -> Result<(), Refusal> {
    if methods.contains(&call.parts.method) {
        return Ok(());
    }
    let allow: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let allow = allow.join(", ");
    let text =
        format!("`{}` does not support {}; supported: {allow}", shorten(call.parts.uri.path()), call.parts.method);
    Err(Refusal::new(Code::Unsupported, text).with_header(header::ALLOW, &allow))
}
