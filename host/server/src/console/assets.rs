//! Style sheet, script and icon. Each path holds a digest of the content, so that a browser keeps it for good and takes a
//! new one with a new release.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest as _, Sha256};

use super::refusal::no_page;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// Paths of the files that every page names.
pub(super) struct Assets {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

impl Assets {
    pub(super) fn get() -> &'static Self {
        static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
            style: path("style.css", STYLE),
            script: path("script.js", SCRIPT),
            icon: path("icon.svg", ICON),
        });
        &ASSETS
    }
}

fn path(name: &str, content: &str) -> String {
    let digest = hex::encode(Sha256::digest(content));
    format!("/assets/{}/{name}", digest.get(..16).unwrap_or_default())
}

/// `GET /assets/{digest}/{name}`
pub(super) async fn serve(Path((digest, name)): Path<(String, String)>) -> Response {
    let assets = Assets::get();
    let asked = format!("/assets/{digest}/{name}");
    let (media_type, content) = match asked {
        _ if asked == assets.style => ("text/css; charset=utf-8", STYLE),
        _ if asked == assets.script => ("text/javascript; charset=utf-8", SCRIPT),
        _ if asked == assets.icon => ("image/svg+xml", ICON),
        _ => return no_page().await.into_response(),
    };
    let mut response = content.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}
