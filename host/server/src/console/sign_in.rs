//! Signing in with the control token, and out. After it, a person is where they wanted to go, but never at another site.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use super::assets::Assets;
use super::guard::see_other;
use super::refusal::PageRefusal;
use super::request::{Fields, Posted, form};
use super::session::SignInProblem;
use super::{Console, html};

/// Longest path to return to, in bytes.
const BACK_BYTES_MAX: usize = 2_000;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    assets: &'static Assets,
    back: String,
    error: Option<String>,
    is_out: bool,
}

/// The page's path, with the path to return to.
pub(super) fn path(back: &str) -> String {
    if back == "/" || own_path(back) != back {
        return "/sign-in".to_owned();
    }
    let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    format!("/sign-in?to={back}")
}

/// A path of this host, or `/`: browsers take `//host`, `/\host` and control characters for something else.
pub(super) fn own_path(text: &str) -> &str {
    let is_own = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= BACK_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { text } else { "/" }
}

/// `GET /sign-in`
pub(super) async fn show(State(console): State<Arc<Console>>, headers: HeaderMap, fields: Fields) -> Response {
    let back = own_path(fields.get("to").unwrap_or("/")).to_owned();
    let now = console.shard.process().clock().now();
    if console.sessions.find(&headers, now).is_some() {
        return see_other(&back);
    }
    let is_out = fields.is_on("out");
    html(StatusCode::OK, &SignInPage { assets: Assets::get(), back, error: None, is_out })
}

/// `POST /sign-in`
pub(super) async fn submit(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, PageRefusal> {
    let fields = form(&headers, body).await?;
    let back = own_path(fields.get("to").unwrap_or("/")).to_owned();
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = handoff_listen::sender(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    let token = fields.get("token").unwrap_or_default();
    let signed_in = console.sessions.sign_in(console.shard.process(), address, token, &headers).await;
    let (status, error, wait) = match signed_in {
        Ok(cookie) => {
            let mut response = see_other(&back);
            response.headers_mut().insert(SET_COOKIE, cookie);
            return Ok(response);
        }
        Err(SignInProblem::Wrong) => {
            let text = "This is not the control token. It is the content of the secret that `token-secret` of `[control]` names.";
            (StatusCode::UNAUTHORIZED, text.to_owned(), None)
        }
        Err(SignInProblem::Wait { ms }) => {
            let seconds = ms.div_ceil(1_000).max(1);
            let text = format!("Too many wrong tokens came from your address. Try again in {seconds} s.");
            (StatusCode::TOO_MANY_REQUESTS, text, Some(seconds))
        }
        Err(SignInProblem::NoEntropy) => {
            let text = "The host could not open a session; its log says why. Try again.";
            (StatusCode::SERVICE_UNAVAILABLE, text.to_owned(), None)
        }
    };
    let mut response = html(status, &SignInPage { assets: Assets::get(), back, error: Some(error), is_out: false });
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// `POST /sign-out`
pub(super) async fn out(State(console): State<Arc<Console>>, headers: HeaderMap, _: Posted) -> Response {
    let mut response = see_other("/sign-in?out=1").into_response();
    if let Some(cookie) = console.sessions.sign_out(&headers) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
