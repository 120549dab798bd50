//! Header fields of a request: which ones a connector may set, and valid names and values (RFC 9110, section 5).

use handoff_model::http::HttpError;
use handoff_model::limits::CallLimits;

use super::show;

/// Fields that frame the message, name its target, or carry credentials or identity: only the host sets them.
const RESERVED: [&str; 24] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "expect",
    "via",
    "forwarded",
    "authorization",
    "authentication-info",
    "cookie",
    "set-cookie",
    "idempotency-key",
    // Gateways act on these as if method or path were different from the granted ones.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // A gateway's statement of the client's identity.
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
];

/// Prefixes of reserved fields. `proxy` itself becomes the variable HTTP_PROXY behind CGI (CVE-2016-5385).
const RESERVED_PREFIXES: [&str; 4] = ["proxy", "x-forwarded", "x-original-", "x-rewrite-"];

/// Fields that request a partial or encoded response. With an auth profile the host must be able to read the whole
/// response: it removes echoed credentials, and would not recognize them in parts or compressed.
const UNREADABLE: [&str; 5] = ["accept-encoding", "accept-charset", "range", "if-range", "a-im"];

/// Checks number, size, names and values.
pub fn check(headers: &[(String, String)], limits: &CallLimits) -> Result<(), HttpError> {
    if headers.len() > limits.request_headers {
        return invalid(format!("headers: {} fields; expected at most {}", headers.len(), limits.request_headers));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if bytes > limits.request_header_bytes {
        return invalid(format!("headers: {bytes} bytes; expected at most {}", limits.request_header_bytes));
    }
    for (name, value) in headers {
        check_name(name)?;
        check_value(name, value)?;
    }
    Ok(())
}

/// Refuses fields that would keep the host from reading the response to a request with credentials.
pub fn check_readable(headers: &[(String, String)]) -> Result<(), HttpError> {
    let plain = |value: &str| value.trim().eq_ignore_ascii_case("identity");
    let unreadable = |name: &str, value: &str| {
        UNREADABLE.contains(&normal(name).as_str()) && !(normal(name) == "accept-encoding" && plain(value))
    };
    match headers.iter().find(|(name, value)| unreadable(name, value)) {
        None => Ok(()),
        Some((name, _)) => invalid(format!(
            "headers: `{}` is not allowed with an auth profile; remove it: the host must read the whole response to remove \
             credentials",
            show(name)
        )),
    }
}

/// Whether only the host sets this field, in any case, and with `_` for `-`: gateways that pass fields on as variables
/// treat `transfer_encoding` as `transfer-encoding` (RFC 3875 section 4.1.18).
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let name = normal(name);
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a text is a field name: a token of RFC 9110, section 5.6.2.
#[must_use]
pub fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn check_name(name: &str) -> Result<(), HttpError> {
    if !is_token(name) {
        return invalid(format!(
            "headers: `{}` is not a field name; expected a token (RFC 9110 section 5.6.2)",
            show(name)
        ));
    }
    if is_reserved(name) {
        return invalid(format!(
            "headers: `{}` may only be set by the host; remove it (credentials come from an auth profile)",
            show(name)
        ));
    }
    Ok(())
}

// The value is not in the message: it may be personal data.
fn check_value(name: &str, value: &str) -> Result<(), HttpError> {
    match value.bytes().find(|b| !matches!(b, b'\t' | b' '..=b'~')) {
        Some(byte) => invalid(format!(
            "headers: the value of `{}` contains byte 0x{byte:02x}; expected printable ASCII (RFC 9110 section 5.5)",
            show(name)
        )),
        None => Ok(()),
    }
}

fn invalid<T>(message: String) -> Result<T, HttpError> {
    Err(HttpError::Invalid(message))
}
