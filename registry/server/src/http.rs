//! Requests and answers: which path is which endpoint of the OCI Distribution Specification 1.1, who may call it, and the blocking
//! work moved off the async threads. The rules are `publish`'s and `auth`'s.

mod blobs;
pub(super) mod body;
mod connection;
pub(super) mod listen;
mod lists;
mod manifests;
mod query;
mod token;
mod uploads;

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::auth::{Action, Auth, Caller};
use crate::name::{Repository, shorten};
use crate::pages;
use crate::refusal::{Code, Refusal};
use crate::storage::Storage;
use crate::uploads::Uploads;
use body::Body;
use query::Query;

/// Header fields of one request.
const HEADERS_MAX: usize = 100;
/// Characters of a path with its query.
const TARGET_CHARS_MAX: usize = 8 << 10;
const API_VERSION: &str = "registry/2.0";

/// What every request sees.
#[derive(Debug)]
pub(super) struct App {
    pub(super) storage: Arc<Storage>,
    pub(super) uploads: Arc<Uploads>,
    pub(super) auth: Auth,
    pub(super) public_url: Option<String>,
    pub(super) has_tls: bool,
}

/// An answer, or why not.
pub(super) type Answer = Result<Response<Body>, Refusal>;

/// One request on its way.
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) parts: Parts,
    pub(super) query: Query,
    pub(super) body: Incoming,
}

impl Call {
    /// Does blocking work on another thread.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        blocking(&self.app, work).await
    }

    /// The caller may do this to the repository, or is refused.
    async fn allow(&self, action: Action, repository: &Repository) -> Result<(), Refusal> {
        self.allow_any(action, Some(repository)).await.map(|_| ())
    }

    /// The same where there may be no repository; says who asks.
    pub(super) async fn allow_any(&self, action: Action, repository: Option<&Repository>) -> Result<Caller, Refusal> {
        let auth = &self.app.auth;
        let wanted = repository.map(|repository| (action, repository));
        match auth.caller(&self.parts.headers).await {
            Ok(caller) if auth.allows(&caller, action, repository) => Ok(caller),
            Ok(caller) => Err(auth.refuse(Ok(&caller), &self.base(), wanted)),
            Err(problem) => Err(auth.refuse(Err(&problem), &self.base(), wanted)),
        }
    }

    /// What the client sees in front of every path.
    pub(super) fn base(&self) -> String {
        if let Some(url) = &self.app.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        // It goes into a quoted text of an answer.
        let is_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':' | '[' | ']');
        let host: String = host.chars().filter(|letter| is_host(*letter)).take(255).collect();
        format!("{}://{host}", if self.app.has_tls { "https" } else { "http" })
    }

    /// A header field as text.
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Does blocking work on another thread. What fails on the server's side may have left the index behind the files.
pub(super) async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let at_work = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&at_work)).await;
    let done = done.unwrap_or_else(|panic| Err(Refusal::internal(&panic)));
    if let Err(refusal) = &done
        && refusal.code == Code::Unknown
        && let Ok(index) = app.storage.index()
    {
        index.suspect();
    }
    done
}

/// Answers a request. Never fails: what goes wrong is an answer too.
pub(super) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    let is_page = !request.uri().path().starts_with("/v") && request.uri().path() != "/token";
    let mut response = match route(app, request).await {
        Ok(response) => response,
        Err(refusal) if is_page => pages::refusal(&refusal),
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("docker-distribution-api-version", HeaderValue::from_static(API_VERSION));
    if is_head { body::without_content(response) } else { response }
}

async fn route(app: Arc<App>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if parts.headers.len() > HEADERS_MAX || target > TARGET_CHARS_MAX {
        let text =
            format!("a request has at most {HEADERS_MAX} header fields and a path of {TARGET_CHARS_MAX} characters");
        return Err(Refusal::new(Code::Unsupported, text).with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path().to_owned();
    let call = Call { app, parts, query, body };
    match path.strip_prefix("/v2/") {
        Some("") => ping(&call).await,
        Some("_catalog") => lists::catalog(&call).await,
        Some(rest) => repository(call, rest).await,
        None => match path.as_str() {
            "/v2" => ping(&call).await,
            "/token" => token::give(&call).await,
            "/v1/search" => pages::search_json(&call).await,
            _ => pages::page(&call, &path).await,
        },
    }
}

/// Says that this is a registry, and how to show who one is: clients ask here first.
async fn ping(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let auth = &call.app.auth;
    if auth.has_users() {
        let caller = auth.caller(&call.parts.headers).await;
        if !matches!(caller, Ok(Caller::User(_) | Caller::Token(_))) {
            // Also where everybody reads: clients learn only here how to sign in for a push.
            return Err(auth.refuse(caller.as_ref(), &call.base(), None));
        }
    }
    Ok(body::json(StatusCode::OK, &serde_json::json!({})))
}

/// Paths below a repository: its name has slashes, so the end decides.
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

/// The answer where there is nothing.
pub(super) fn no_such_path(parts: &Parts) -> Refusal {
    let text = format!(
        "there is nothing at `{}`: paths are those of the OCI Distribution Specification 1.1",
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
    let text = format!("`{}` does not take {}; it takes {allow}", shorten(call.parts.uri.path()), call.parts.method);
    Err(Refusal::new(Code::Unsupported, text).with_header(header::ALLOW, &allow))
}
