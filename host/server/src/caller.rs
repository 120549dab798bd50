//! Who calls the control API: derived from the connection or the token, never from the content of a request.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use crate::reply::Refusal;
use handoff_model::actor::Identity;

/// The caller of a request, as determined by the server.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Identity);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let unknown = || {
            let detail = "the host does not know who asks, so it changes nothing";
            Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "The caller is not known", detail)
        };
        parts.extensions.get::<Self>().cloned().ok_or_else(unknown)
    }
}

impl Caller {
    /// The user of a process, by its numeric id.
    pub(crate) fn user(uid: u32) -> Self {
        let name = uzers::get_user_by_uid(uid).and_then(|user| Some(user.name().to_str()?.to_owned()));
        Self(Identity::User(name.unwrap_or_else(|| format!("uid {uid}"))))
    }

    /// The user of this process.
    pub(crate) fn of_this_process() -> Self {
        Self::user(uzers::get_current_uid())
    }

    /// The holder of the token that the configuration names.
    pub(crate) fn token(name: &str) -> Self {
        Self(Identity::Token(name.to_owned()))
    }
}
