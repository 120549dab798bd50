//! `GET /token`: issues a short-lived token for name and password (the distribution project's token authentication). A
//! scope that is not allowed is left out of the token, not refused: the client learns it on use.

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::body;
use super::{Answer, Call, no_such_path, only};
use crate::auth::{Action, Caller, SERVICE, TOKEN_SECONDS};
use crate::name::shorten;
use crate::refusal::{Code, Refusal};

pub(super) async fn give(call: &Call) -> Answer {
    let auth = &call.app.auth;
    if !auth.has_users() {
        return Err(no_such_path(&call.parts));
    }
    only(call, &[Method::GET])?;
    if let Some(service) = call.query.get("service").filter(|service| *service != SERVICE) {
        let text = format!("service: found `{}`; tokens are issued only for `{SERVICE}`", shorten(service));
        return Err(Refusal::new(Code::Denied, text));
    }
    let basic = |problem: Refusal| problem.with_header(header::WWW_AUTHENTICATE, &format!("Basic realm=\"{SERVICE}\""));
    let unauthorized = |text: &str| basic(Refusal::new(Code::Unauthorized, text));
    let caller = match auth.caller(&call.parts.headers).await {
        // A token cannot renew itself.
        Ok(Caller::Token(_)) => return Err(unauthorized("use a user name and password to get a token")),
        Ok(caller) => caller,
        Err(problem @ crate::auth::Problem::Busy) => {
            return Err(auth.refuse(Err(&problem), &call.base(), None));
        }
        Err(_) => return Err(unauthorized("the user name or password is wrong: log in again with `handoff login`")),
    };
    if !auth.allows(&caller, Action::Pull, None) {
        return Err(unauthorized("user name and password are required: anonymous reading is disabled"));
    }
    let scopes: Vec<String> =
        call.query.all("scope").iter().flat_map(|all| all.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    let failed = || Refusal::new(Code::Unknown, "cannot create a token");
    let token = auth.give_token(&caller, &scopes).ok_or_else(failed)?;
    let mut response =
        body::json(StatusCode::OK, &json!({ "token": token, "access_token": token, "expires_in": TOKEN_SECONDS }));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
