//! Short-lived tokens (JWT, RFC 7519) that state what their bearer may do. The signing key lives as long as the
//! process: after a restart clients request new tokens.

use std::io;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::Action;
use crate::disk;
use crate::publish::now_ms;

/// The registry's service name in challenges and tokens.
pub(crate) const SERVICE: &str = "handoff-registry";
/// Lifetime of a token.
pub(crate) const TOKEN_SECONDS: u64 = 300;
const TOKEN_BYTES_MAX: usize = 16 << 10;

/// A permission in a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// `repository`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    /// `pull`, `push`, `delete`.
    pub(super) actions: Vec<String>,
}

impl Grant {
    pub(super) fn allows(&self, action: Action, repository: &str) -> bool {
        let wanted: &[&str] = match action {
            Action::Pull => &["pull"],
            Action::Push => &["push", "delete"],
        };
        self.kind == "repository"
            && self.name == repository
            && self.actions.iter().any(|has| wanted.contains(&has.as_str()))
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    access: Vec<Grant>,
}

/// Issues and verifies tokens.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new() -> io::Result<Self> {
        let key = disk::random::<32>()?;
        Ok(Self { encoding: EncodingKey::from_secret(&key), decoding: DecodingKey::from_secret(&key) })
    }

    pub(super) fn give(&self, subject: &str, access: Vec<Grant>) -> Option<String> {
        let iat = now_ms() / 1_000;
        let claims = Claims {
            iss: SERVICE.to_owned(),
            aud: SERVICE.to_owned(),
            sub: subject.to_owned(),
            iat,
            exp: iat.saturating_add(TOKEN_SECONDS),
            access,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).ok()
    }

    pub(super) fn read(&self, token: &str) -> Option<Vec<Grant>> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[SERVICE]);
        validation.set_issuer(&[SERVICE]);
        validation.leeway = 5;
        let token = Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX)?;
        jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).ok().map(|token| token.claims.access)
    }
}
