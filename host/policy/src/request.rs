//! Decides whether a request may be sent, from grants and limits alone. Pure: no DNS, no clock, no credentials.
//!
//! The rule behind every URL check: the checked bytes are exactly the sent bytes. A URL that a parser would rewrite is
//! refused with its normal form in the message, so no two parsers can disagree about it.

pub mod fields;
pub mod grant;
pub mod path;
pub mod target;

use handoff_model::grants::{Grants, HttpGrant};
use handoff_model::http::{HttpError, Request};
use handoff_model::limits::CallLimits;

use self::target::Target;

/// Longest time limit that a request may set, in milliseconds.
pub const MAX_TIMEOUT_MS: u32 = 120_000;

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// During a delivery: `GET` and `HEAD`, or a path that the grant lists as a look-up.
    LookUp,
    /// After the commit: any granted method.
    Outbox,
}

/// Checks everything about a request that needs no network, and finds the grant that allows it.
///
/// Errors are `Invalid` (the request breaks the contract) or `Denied` (no grant allows it); both say what was found,
/// what was expected, and which grant is closest.
pub fn check_request<'g>(
    grants: &'g Grants,
    request: &Request,
    purpose: Purpose,
    limits: &CallLimits,
) -> Result<&'g HttpGrant, HttpError> {
    check_method(request)?;
    let target = Target::parse(&request.url)?;
    fields::check(&request.headers, limits)?;
    if request.auth.is_some() {
        fields::check_readable(&request.headers)?;
    }
    check_sizes(request, limits)?;
    let grant = find_grant(grants, request, &target, purpose)?;
    target.check_literal_address(grant)?;
    Ok(grant)
}

fn check_method(request: &Request) -> Result<(), HttpError> {
    match request.method.as_str() {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" => Ok(()),
        other => Err(HttpError::Invalid(format!(
            "method: `{}`; expected GET, HEAD, POST, PUT, PATCH or DELETE in capitals",
            show(other)
        ))),
    }
}

fn check_sizes(request: &Request, limits: &CallLimits) -> Result<(), HttpError> {
    if let Some(body) = &request.body {
        if body.len() > limits.request_body_bytes {
            return Err(HttpError::Invalid(format!(
                "body: {} bytes; expected at most {}",
                body.len(),
                limits.request_body_bytes
            )));
        }
        if is_safe(&request.method) && !body.is_empty() {
            return Err(HttpError::Invalid(format!(
                "body: not allowed with {} (RFC 9110 section 9.3); use the query or POST",
                request.method
            )));
        }
    }
    match request.timeout_ms {
        Some(ms) if ms == 0 || ms > MAX_TIMEOUT_MS => {
            Err(HttpError::Invalid(format!("timeout-ms: {ms}; expected 1 to {MAX_TIMEOUT_MS}, or none")))
        }
        _ => Ok(()),
    }
}

/// Narrows the grants step by step, so that the error can name the first mismatch.
fn find_grant<'g>(
    grants: &'g Grants,
    request: &Request,
    target: &Target,
    purpose: Purpose,
) -> Result<&'g HttpGrant, HttpError> {
    let at_host = step(
        &grants.http.iter().collect::<Vec<_>>(),
        |grant| target.is_at(grant),
        || {
            let targets = list(grants.http.iter().map(|grant| format!("{} ({})", target::describe(grant), grant.name)));
            format!("url: {} is not granted; granted targets: {targets}", target.origin())
        },
    )?;
    let names = |found: &[&HttpGrant]| list(found.iter().map(|grant| format!("`{}`", grant.name)));
    let look_up = purpose == Purpose::LookUp && !is_safe(&request.method);
    let patterns = |grant: &HttpGrant| if look_up { grant.look_ups.clone() } else { grant.paths.clone() };
    let has_path = |grant: &HttpGrant| path::any_matches(&patterns(grant), target.path());
    // A grant with the path is what was meant, also if its methods are others.
    let meant: Vec<&HttpGrant> = at_host.iter().copied().filter(|grant| has_path(grant)).collect();
    let meant = if meant.is_empty() { at_host } else { meant };
    let by_method = step(
        &meant,
        |grant| grant.methods.contains(&request.method),
        || {
            let methods = list(meant.iter().flat_map(|grant| grant.methods.iter().cloned()));
            format!("method: {} is not granted; grant {} allows {methods}", request.method, names(&meant))
        },
    )?;
    let by_path = step(&by_method, has_path, || {
        let allowed = list(by_method.iter().flat_map(|grant| patterns(grant)));
        let (what, hint) = if look_up {
            (
                "a look-up with an unsafe method",
                "; send it through the outbox, or ask the operator to grant the path under `look-ups`",
            )
        } else {
            ("a path", "")
        };
        let path = show(target.path());
        format!("path: `{path}` is not granted as {what}; grant {} allows {allowed}{hint}", names(&by_method))
    })?;
    let by_auth = step(
        &by_path,
        |grant| request.auth.as_ref().is_none_or(|name| grant.auth.contains_key(name)),
        || {
            let allowed = list(by_path.iter().flat_map(|grant| grant.auth.keys().cloned()));
            let profile = show(request.auth.as_deref().unwrap_or_default());
            format!("auth: profile `{profile}` is not granted; grant {} allows {allowed}", names(&by_path))
        },
    )?;
    by_auth.first().copied().ok_or_else(|| HttpError::Denied("no grant".to_owned()))
}

fn step<'g>(
    from: &[&'g HttpGrant],
    keep: impl Fn(&HttpGrant) -> bool,
    denied: impl FnOnce() -> String,
) -> Result<Vec<&'g HttpGrant>, HttpError> {
    let kept: Vec<&HttpGrant> = from.iter().copied().filter(|grant| keep(grant)).collect();
    if kept.is_empty() { Err(HttpError::Denied(denied())) } else { Ok(kept) }
}

/// Methods without effect on the target (RFC 9110, section 9.2.1).
#[must_use]
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// Untrusted text in an error: shortened and printable.
pub(crate) fn show(text: &str) -> String {
    let mut shown: String = text.chars().take(120).flat_map(char::escape_default).collect();
    if text.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: std::collections::BTreeSet<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.into_iter().take(12).collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests;
