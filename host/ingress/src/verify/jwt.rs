//! JSON Web Tokens in `authorization: Bearer` (RFC 6750, RFC 7519). The algorithm comes from the operator's list and the
//! key's type, never from the token alone; `none` cannot be expressed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use super::keys::KeyFile;
use super::reason::shown;
use super::{Reason, VerifyError, text};
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

/// The claims that are checked, of any type: a wrong one is reported as what it is.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    exp: Value,
    #[serde(default)]
    nbf: Value,
    #[serde(default)]
    iat: Value,
}

pub(super) fn verify(
    keys: &JwtKeys,
    file: &KeyFile,
    secrets: &[&[u8]],
    rules: &Rules<'_>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<(), VerifyError> {
    let bad = |detail: &str| VerifyError::new(Reason::BadToken, detail);
    let value = text(headers, HEADER)?;
    let (scheme, token) =
        value.split_once(' ').ok_or_else(|| bad("`authorization` is not `Bearer` followed by a token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > TOKEN_BYTES_MAX {
        return Err(bad("`authorization` is not `Bearer` followed by a token of at most 16 KiB"));
    }
    let token = token.trim();
    let encoded = token.split('.').next().unwrap_or_default();
    let is_object = |json: &Vec<u8>| serde_json::from_slice::<Value>(json).is_ok_and(|value| value.is_object());
    let parameters = URL_SAFE_NO_PAD.decode(encoded).ok().filter(is_object);
    let parameters = parameters.ok_or_else(|| bad("the token's header is not JSON"))?;
    // From the bytes, not from the value, so that a parameter that is there twice is refused.
    if serde_json::from_slice::<Parameters>(&parameters).is_err() {
        let detail = "the token's header has other parameters than alg, typ, cty, kid, x5t, or of another type";
        return Err(VerifyError::new(Reason::TokenParameter, detail));
    }
    let header = decode_header(token).map_err(|_| bad("the token is not a signed JSON Web Token"))?;
    if !rules.algorithms.iter().any(|allowed| algorithm(*allowed) == header.alg) {
        let detail =
            format!("the token is signed with {:?}, which `algorithms` of the settings does not list", header.alg);
        return Err(VerifyError::new(Reason::WrongAlgorithm, detail));
    }
    let keys = file.keys(keys, secrets)?;
    let named = |id: &Option<String>| header.kid.is_none() || id.is_none() || *id == header.kid;
    let fitting: Vec<_> = keys.iter().filter(|key| key.algorithms.contains(&header.alg) && named(&key.id)).collect();
    if fitting.is_empty() {
        let detail = match &header.kid {
            Some(kid) => format!("no key for {:?} has the id `{}` of the token", header.alg, shown(kid)),
            None => format!("no key is one for {:?}", header.alg),
        };
        return Err(VerifyError::new(Reason::UnknownKey, detail));
    }
    let mut validation = Validation::new(header.alg);
    // Only the signature is checked here: the claims below, so that each has its own reason, and the times against the
    // given clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let claims = fitting.iter().filter_map(|key| decode::<Claims>(token, &key.key, &validation).ok()).next();
    let unsigned = || VerifyError::new(Reason::WrongSignature, "no key gives the signature of the token");
    check_claims(&claims.ok_or_else(unsigned)?.claims, rules, now)
}

fn check_claims(claims: &Claims, rules: &Rules<'_>, now: Timestamp) -> Result<(), VerifyError> {
    if claims.iss.as_str() != Some(rules.issuer) {
        let detail = format!("the token's issuer is {}; expected \"{}\"", found(&claims.iss), rules.issuer);
        return Err(VerifyError::new(Reason::WrongIssuer, detail));
    }
    let is_audience = |value: &Value| value.as_str() == Some(rules.audience);
    if !is_audience(&claims.aud) && !claims.aud.as_array().is_some_and(|all| all.iter().any(is_audience)) {
        let detail = format!("the token's audience is {}; expected \"{}\"", found(&claims.aud), rules.audience);
        return Err(VerifyError::new(Reason::WrongAudience, detail));
    }
    let seconds = std::time::Duration::from_millis(now.0).as_secs_f64();
    let leeway = std::time::Duration::from_secs(rules.leeway_seconds.min(86_400)).as_secs_f64();
    let expires = time("exp", &claims.exp)?.ok_or_else(|| bad_claim("exp", &claims.exp))?;
    if expires <= seconds - leeway {
        let detail = format!("the token expired {:.0} s ago; {leeway} s are allowed", seconds - expires);
        return Err(VerifyError::new(Reason::Expired, detail));
    }
    for (name, value) in [("nbf", &claims.nbf), ("iat", &claims.iat)] {
        if let Some(begins) = time(name, value)?.filter(|begins| *begins > seconds + leeway) {
            let detail = format!(
                "the token's `{name}` is {:.0} s ahead of this host's clock; {leeway} s are allowed: check both clocks",
                begins - seconds
            );
            return Err(VerifyError::new(Reason::NotYetValid, detail));
        }
    }
    Ok(())
}

/// A claim that is a time, if it is there. NumericDate may have a fraction (RFC 7519 section 2).
fn time(name: &str, value: &Value) -> Result<Option<f64>, VerifyError> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_f64().filter(|time| time.is_finite()).map(Some).ok_or_else(|| bad_claim(name, value))
}

fn bad_claim(name: &str, value: &Value) -> VerifyError {
    let detail = format!("the token's `{name}` is {}; expected seconds since 1970", found(value));
    VerifyError::new(Reason::BadClaim, detail)
}

/// A claim of a token whose signature is right, within a sentence.
fn found(value: &Value) -> String {
    if value.is_null() { "missing".to_owned() } else { shown(&value.to_string()) }
}

pub(super) fn algorithm(allowed: JwtAlgorithm) -> Algorithm {
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
