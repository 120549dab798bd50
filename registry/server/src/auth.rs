//! Authenticates callers and decides what they may do: users of a file with name and password, or bearers of tokens
//! issued to them. It decides by repository name and touches no storage.

mod tokens;
mod users;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::name::Repository;
use crate::options::{Access, Challenge};
use crate::refusal::{Code, Refusal};

pub use users::UsersError;

use tokens::Tokens;
pub(super) use tokens::{Grant, SERVICE, TOKEN_SECONDS};
use users::{User, Users};

/// The kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Read a repository.
    Pull,
    /// Write to a repository: push and delete.
    Push,
}

/// Decides who may do what.
#[derive(Debug)]
pub(super) struct Auth {
    kind: Kind,
    tokens: Tokens,
}

#[derive(Debug)]
enum Kind {
    Open,
    ReadOnly,
    Users { users: Users, anonymous_read: bool, challenge: Challenge },
}

/// The caller of a request.
#[derive(Debug)]
pub(super) enum Caller {
    /// Anonymous.
    Anonymous,
    /// A user with name and password.
    User(User),
    /// The bearer of this token.
    Token(Vec<Grant>),
}

impl Auth {
    /// Reads the users file, if there is one. Blocks.
    pub(super) fn new(access: &Access) -> Result<Self, UsersError> {
        let kind = match access {
            Access::Open => Kind::Open,
            Access::ReadOnly => Kind::ReadOnly,
            Access::Users { file, anonymous_read, challenge } => Kind::Users {
                users: Users::load(Path::new(file))?,
                anonymous_read: *anonymous_read,
                challenge: *challenge,
            },
        };
        let tokens = Tokens::new().map_err(UsersError::Random)?;
        Ok(Self { kind, tokens })
    }

    /// Whether there are users at all.
    pub(super) fn has_users(&self) -> bool {
        matches!(self.kind, Kind::Users { .. })
    }

    /// Identifies the caller. Wrong credentials are refused, not treated as anonymous.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Kind::Users { users, .. } = &self.kind else { return Ok(Caller::Anonymous) };
        let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Caller::Anonymous) };
        let value = value.to_str().ok().filter(|_| values.next().is_none());
        let (scheme, credentials) = value.and_then(|value| value.split_once(' ')).ok_or(Problem::Wrong)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.tokens.read(credentials.trim()).map(Caller::Token).ok_or(Problem::Expired);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Problem::Wrong);
        }
        let pair = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (name, password) = pair.as_deref().and_then(|pair| pair.split_once(':')).ok_or(Problem::Wrong)?;
        if name.is_empty() && password.is_empty() {
            return Ok(Caller::Anonymous);
        }
        users.check(name, password).await.map(Caller::User)
    }

    /// Whether a caller may access a repository, or, without one, pages and lists.
    pub(super) fn allows(&self, caller: &Caller, action: Action, repository: Option<&Repository>) -> bool {
        let Kind::Users { anonymous_read, .. } = &self.kind else {
            return action == Action::Pull || matches!(self.kind, Kind::Open);
        };
        match (caller, action) {
            (_, Action::Pull) if *anonymous_read => true,
            (Caller::Anonymous, _) => false,
            (Caller::User(_), Action::Pull) => true,
            (Caller::User(user), Action::Push) => {
                repository.is_some_and(|repository| user.pushes_to(repository.as_str()))
            }
            (Caller::Token(grants), action) => match repository {
                Some(repository) => grants.iter().any(|grant| grant.allows(action, repository.as_str())),
                // If reading is restricted, only users get tokens.
                None => action == Action::Pull,
            },
        }
    }

    /// Whether the caller administers the registry: a user who may push everything, or everybody on an open one.
    pub(super) fn administers(&self, caller: &Caller) -> bool {
        match (&self.kind, caller) {
            (Kind::Open, _) => true,
            (_, Caller::User(user)) => user.pushes_everything(),
            _ => false,
        }
    }

    /// The refusal of a page that is for administrators.
    pub(super) fn refuse_page(&self, caller: Result<&Caller, &Problem>, base: &str) -> Refusal {
        match (&self.kind, caller) {
            (Kind::Users { .. }, Ok(Caller::Anonymous) | Err(_)) => self.refuse(caller, base, None),
            _ => {
                let text = "this page is for the registry's administrator: a user with `*` in the users file; at the server's \
                            host, `handoff registry namespaces` shows the same";
                Refusal::new(Code::Denied, text)
            }
        }
    }

    /// A token with the allowed part of the requested scopes, `repository:NAME:pull,push`.
    pub(super) fn give_token(&self, caller: &Caller, scopes: &[String]) -> Option<String> {
        let allowed = |scope: &String| {
            let mut parts = scope.splitn(3, ':');
            let (Some("repository"), Some(name), Some(actions)) = (parts.next(), parts.next(), parts.next()) else {
                return None;
            };
            let repository = Repository::parse(name).ok()?;
            let is_allowed = |action: &&str| match *action {
                "pull" => self.allows(caller, Action::Pull, Some(&repository)),
                "push" | "delete" => self.allows(caller, Action::Push, Some(&repository)),
                _ => false,
            };
            // Some clients request every action before a delete.
            let actions = if actions == "*" { "pull,push,delete" } else { actions };
            let actions = actions.split(',').take(8).filter(is_allowed).map(str::to_owned).collect();
            Some(Grant { kind: "repository".to_owned(), name: name.to_owned(), actions })
        };
        let subject = if let Caller::User(user) = caller { user.name.as_str() } else { "" };
        self.tokens.give(subject, scopes.iter().take(32).filter_map(allowed).collect())
    }

    /// The refusal: it asks the caller to authenticate, or says that the caller lacks permission.
    pub(super) fn refuse(
        &self,
        caller: Result<&Caller, &Problem>,
        base: &str,
        wanted: Option<(Action, &Repository)>,
    ) -> Refusal {
        if let Err(Problem::Busy) = caller {
            let text = "too many password checks are in progress: try again in a moment";
            return Refusal::new(Code::TooManyRequests, text).with_header(http::header::RETRY_AFTER, "2");
        }
        let what = match wanted {
            Some((Action::Push, repository)) => format!("push to {repository}"),
            Some((Action::Pull, repository)) => format!("read {repository}"),
            None => "use this registry".to_owned(),
        };
        if let (Kind::ReadOnly | Kind::Open, _) | (_, Ok(Caller::User(_))) = (&self.kind, caller) {
            let text = match self.kind {
                Kind::Users { .. } => {
                    format!("this user may not {what}: ask the registry's operator for permission")
                }
                _ => "this registry is read only: to allow pushes, its operator must start it with users or with open access"
                    .to_owned(),
            };
            return Refusal::new(Code::Denied, text);
        }
        let text = match caller {
            Err(Problem::Expired) => "the token is invalid or expired: request a new one".to_owned(),
            Err(_) => "the user name or password is wrong: log in again with `handoff login`".to_owned(),
            Ok(_) => {
                format!("authentication is required to {what}: use `handoff login` or your client's login command")
            }
        };
        let challenge = self.challenge(base, wanted);
        Refusal::new(Code::Unauthorized, text).with_header(http::header::WWW_AUTHENTICATE, &challenge)
    }

    fn challenge(&self, base: &str, wanted: Option<(Action, &Repository)>) -> String {
        if !matches!(self.kind, Kind::Users { challenge: Challenge::Token, .. }) {
            return format!("Basic realm=\"{SERVICE}\"");
        }
        let scope = match wanted {
            Some((Action::Pull, repository)) => format!(",scope=\"repository:{repository}:pull\""),
            Some((Action::Push, repository)) => format!(",scope=\"repository:{repository}:pull,push\""),
            None => String::new(),
        };
        format!("Bearer realm=\"{base}/token\",service=\"{SERVICE}\"{scope}")
    }
}

/// Why credentials are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// Unknown user, wrong password, or a header field without credentials.
    Wrong,
    /// An invalid or expired token.
    Expired,
    /// Too many checks are in progress.
    Busy,
}

/// How long a password check may wait for a slot.
const CHECK_PATIENCE: Duration = Duration::from_secs(5);
