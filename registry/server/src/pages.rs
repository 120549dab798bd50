//! Search and web pages: plain, accessible HTML without scripts. Everything that a publisher wrote is text and is
//! escaped; only `html` produces markup.

mod html;
mod markdown;
mod namespaces;
mod package;

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use crate::auth::Action;
use crate::http::body;
use crate::http::body::Body;
use crate::http::{Answer, Call, no_such_path, only};
use crate::name::Repository;
use crate::packages;
use crate::publish::now_ms;
use crate::refusal::{Code, Refusal};
use crate::storage::PackageRow;
use html::{Html, link_query};

/// No scripts, no external resources, no framing.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("pages/style.css");
/// Packages per page of search results.
const FOUND_USUAL: usize = 20;
const FOUND_MAX: usize = 100;
/// Maximum length of a query in characters.
const QUERY_CHARS_MAX: usize = 200;

/// Every path that is not part of the API.
pub(super) async fn page(call: &Call, path: &str) -> Answer {
    if path == "/style.css" {
        only(call, &[Method::GET, Method::HEAD])?;
        let mut response = body::bytes(StatusCode::OK, "text/css; charset=utf-8", STYLE);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        return Ok(response);
    }
    if path == "/" {
        return front(call).await;
    }
    if path == "/namespaces" {
        return namespaces_page(call).await;
    }
    let Some(name) = path.strip_prefix("/p/") else { return Err(no_such_path(&call.parts)) };
    only(call, &[Method::GET, Method::HEAD])?;
    let repository = Repository::parse(name)?;
    call.allow_any(Action::Pull, Some(&repository)).await?;
    let version = call.query.get("version").map(str::to_owned);
    let base = call.base();
    let html = call.blocking(move |app| package::render(&app.storage, &repository, version.as_deref(), &base)).await?;
    Ok(document(StatusCode::OK, html))
}

struct Found {
    rows: Vec<PackageRow>,
    total: usize,
    next: Option<usize>,
}

async fn find(call: &Call) -> Result<(String, Found), Refusal> {
    call.allow_any(Action::Pull, None).await?;
    let query: String = call.query.get("q").unwrap_or_default().chars().take(QUERY_CHARS_MAX).collect();
    let after = call.query.number("after", 0, usize::MAX)?;
    let limit = call.query.number("limit", FOUND_USUAL, FOUND_MAX)?.max(1);
    let words = query.clone();
    let all = call.blocking(move |app| Ok(packages::search(&app.storage, &words)?)).await?;
    let total = all.len();
    let end = after.saturating_add(limit);
    let rows: Vec<PackageRow> = all.into_iter().skip(after).take(limit).collect();
    Ok((query, Found { rows, total, next: Some(end).filter(|end| *end < total) }))
}

/// `GET /v1/search?q=&after=&limit=`
pub(super) async fn search_json(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let (_, found) = find(call).await?;
    let mut value = json!({ "packages": found.rows });
    if let (Some(object), Some(next)) = (value.as_object_mut(), found.next) {
        object.insert("next".to_owned(), json!(next.to_string()));
    }
    Ok(body::json(StatusCode::OK, &value))
}

async fn front(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let (query, found) = find(call).await?;
    let mut page = Html::page(if query.is_empty() { "Connectors" } else { "Search" });
    page.open("form", &[("role", "search"), ("action", "/"), ("method", "get")]);
    page.element("label", &[("for", "q")], "Search connectors");
    page.void("input", &[("id", "q"), ("name", "q"), ("type", "search"), ("value", &query), ("maxlength", "200")]);
    page.element("button", &[("type", "submit")], "Search");
    page.close("form");
    page.element("p", &[("role", "status")], &count(found.total, &query));
    page.open("ul", &[("class", "packages")]);
    for row in &found.rows {
        page.open("li", &[]);
        page.open("h2", &[]);
        page.link(&format!("/p/{}", row.name), &row.title);
        page.close("h2");
        page.open("p", &[("class", "facts")]);
        page.element("code", &[], &row.name);
        page.text(&format!(" {} · {} · {}", row.version, row.license, html::date(row.published_at)));
        if row.status != "active" {
            page.text(" ");
            page.element("strong", &[("class", "status")], &row.status);
        }
        page.close("p");
        page.element("p", &[], &row.summary);
        page.close("li");
    }
    page.close("ul");
    address(&mut page, &call.base());
    if let Some(next) = found.next {
        let target = format!("/?q={}&after={next}", link_query(&query));
        page.open("nav", &[("aria-label", "More results")]);
        page.link(&target, "Next page");
        page.close("nav");
    }
    Ok(document(StatusCode::OK, page.finish()))
}

/// For administrators: requests name people.
async fn namespaces_page(call: &Call) -> Answer {
    only(call, &[Method::GET, Method::HEAD])?;
    let auth = &call.app.auth;
    match auth.caller(&call.parts.headers).await {
        Ok(caller) if auth.administers(&caller) => {}
        caller => return Err(auth.refuse_page(caller.as_ref(), &call.base())),
    }
    let view = call.blocking(|app| app.namespaces.view(now_ms()).map_err(|error| Refusal::internal(&error))).await?;
    Ok(document(StatusCode::OK, namespaces::render(&view)))
}

/// How a host is told of this registry, to copy.
fn address(page: &mut Html, base: &str) {
    page.element("h2", &[], "Use this registry");
    page.element("p", &[], "In handoff.toml of a host:");
    page.open("pre", &[]);
    page.element("code", &[], &format!("[registries.main]\nurl = \"{base}\""));
    page.close("pre");
}

fn count(total: usize, query: &str) -> String {
    match (total, query.is_empty()) {
        (0, true) => "No connectors have been published yet. Publish one with `handoff publish`.".to_owned(),
        (0, false) => format!("No connectors found for “{query}”. Try fewer words or a publisher's name."),
        (1, true) => "1 connector.".to_owned(),
        (1, false) => format!("1 connector found for “{query}”."),
        (_, true) => format!("{total} connectors."),
        (_, false) => format!("{total} connectors found for “{query}”."),
    }
}

/// A refusal as a page.
pub(super) fn refusal(refusal: &Refusal) -> Response<Body> {
    let title = match refusal.code {
        Code::Unauthorized => "Sign in",
        Code::Denied => "Not allowed",
        Code::WrongHost => "Wrong address",
        Code::Unknown => "Something went wrong",
        _ => "Not found",
    };
    let status = if refusal.code == Code::NameInvalid { StatusCode::NOT_FOUND } else { refusal.status };
    let mut page = Html::page(title);
    page.element("p", &[], &refusal.message);
    page.open("p", &[]);
    page.link("/", "All connectors");
    page.close("p");
    let mut response = document(status, page.finish());
    if refusal.code == Code::Unauthorized {
        // Browsers support only Basic authentication.
        let basic = HeaderValue::from_static("Basic realm=\"handoff-registry\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

fn document(status: StatusCode, html: String) -> Response<Body> {
    let mut response = body::bytes(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
