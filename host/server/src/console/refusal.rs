//! A refusal as a page: what happened, and where to go on.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;

use super::assets::Assets;
use crate::reply::Refusal;
use handoff_app::error::AppError;

/// A refusal that is shown to a person.
#[derive(Debug)]
pub(super) struct PageRefusal(pub(super) Refusal);

impl From<AppError> for PageRefusal {
    fn from(error: AppError) -> Self {
        Self(Refusal::from(error))
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'r> {
    assets: &'static Assets,
    title: &'r str,
    detail: &'r str,
}

impl IntoResponse for PageRefusal {
    fn into_response(self) -> Response {
        let problem = self.0.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = RefusalPage { assets: Assets::get(), title: &problem.title, detail: &problem.detail };
        let mut response = super::html(status, &page);
        let retry = self.0.into_response().headers_mut().remove(RETRY_AFTER);
        if let Some(after) = retry {
            response.headers_mut().insert(RETRY_AFTER, after);
        }
        response
    }
}

/// The answer if there is no such page.
pub(super) async fn no_page() -> PageRefusal {
    let detail = "There is nothing at this address. It may have been removed, or the address is misspelt.";
    PageRefusal(Refusal::new(StatusCode::NOT_FOUND, "no-such-path", "No such page", detail))
}
