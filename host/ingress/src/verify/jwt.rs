//! JSON Web Tokens in `authorization: Bearer` (RFC 6750, RFC 7519). The algorithm comes from the operator's list and the
//! key's type, never from the token alone; `none` cannot be expressed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::KeyFile;
use super::{VerifyError, text};
use handoff_model::time::Timestamp;
use handoff_policy::ingress::{JwtAlgorithm, JwtKeys};

const HEADER: &str = "authorization";
/// Tokens of identity providers have 1 to 4 KiB.
const TOKEN_BYTES_MAX: usize = 16 << 10;

/// The requirements for a token.
pub(super) struct Rules<'r> {
    pub(super) algorithms: &'r [JwtAlgorithm],
    pub(super) issuer: &'r str,
    pub(super) audience: &'r str,
    pub(super) leeway_seconds: u64,
}

/// The header parameters that are understood (RFC 7515 section 4.1). Any other one, above all `crit`, which demands an
/// extension, and `jwk`, `jku` or `x5u`, which bring a key of the sender's, makes a token invalid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read only so that any other parameter is refused")]
struct Parameters {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    x5t: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    // NumericDate may have a fraction (RFC 7519 section 2).
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
}

pub(super) fn verify(
    keys: &JwtKeys,
    file: &KeyFile,
    secrets: &[&[u8]],
    rules: &Rules<'_>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<(), VerifyError> {
    let malformed = |problem| VerifyError::Malformed { header: HEADER.to_owned(), problem };
    let value = text(headers, HEADER)?;
    let (scheme, token) = value.split_once(' ').ok_or_else(|| malformed("expected `Bearer` and a token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > TOKEN_BYTES_MAX {
        return Err(malformed("expected `Bearer` and a token of at most 16 KiB"));
    }
    let token = token.trim();
    let encoded = token.split('.').next().unwrap_or_default();
    let parameters = URL_SAFE_NO_PAD.decode(encoded).ok();
    if parameters.is_none_or(|json| serde_json::from_slice::<Parameters>(&json).is_err()) {
        return Err(malformed("expected a JSON Web Token with the header parameters alg, typ, cty, kid, x5t alone"));
    }
    let header = decode_header(token).map_err(|_| malformed("expected a signed JSON Web Token"))?;
    if !rules.algorithms.iter().any(|allowed| algorithm(*allowed) == header.alg) {
        return Err(VerifyError::Wrong);
    }
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[rules.issuer]);
    validation.set_audience(&[rules.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // That check uses the system clock; the times are checked below against the given clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let keys = file.keys(keys, secrets)?;
    let named = |id: &Option<String>| header.kid.is_none() || id.is_none() || *id == header.kid;
    let fitting = keys.iter().filter(|key| key.algorithms.contains(&header.alg) && named(&key.id));
    let claims = fitting.filter_map(|key| decode::<Claims>(token, &key.key, &validation).ok()).next();
    check_times(&claims.ok_or(VerifyError::Wrong)?.claims, rules.leeway_seconds, now)
}

fn check_times(claims: &Claims, leeway_seconds: u64, now: Timestamp) -> Result<(), VerifyError> {
    let stale = Err(VerifyError::Stale { what: "token" });
    // Comparisons with NaN are false, so that odd numbers count as stale.
    let seconds = std::time::Duration::from_millis(now.0).as_secs_f64();
    let leeway = std::time::Duration::from_secs(leeway_seconds.min(86_400)).as_secs_f64();
    let begun = |time: Option<f64>| time.is_none_or(|time| time <= seconds + leeway);
    if claims.exp > seconds - leeway && begun(claims.nbf) && begun(claims.iat) { Ok(()) } else { stale }
}

fn algorithm(allowed: JwtAlgorithm) -> Algorithm {
    match allowed {
        JwtAlgorithm::HS256 => Algorithm::HS256,
        JwtAlgorithm::HS384 => Algorithm::HS384,
        JwtAlgorithm::HS512 => Algorithm::HS512,
        JwtAlgorithm::RS256 => Algorithm::RS256,
        JwtAlgorithm::RS384 => Algorithm::RS384,
        JwtAlgorithm::RS512 => Algorithm::RS512,
        JwtAlgorithm::PS256 => Algorithm::PS256,
        JwtAlgorithm::PS384 => Algorithm::PS384,
        JwtAlgorithm::PS512 => Algorithm::PS512,
        JwtAlgorithm::ES256 => Algorithm::ES256,
        JwtAlgorithm::ES384 => Algorithm::ES384,
        JwtAlgorithm::EdDSA => Algorithm::EdDSA,
    }
}
