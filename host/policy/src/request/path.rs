//! Paths of URLs as egress sees them: the rules and patterns of manifests, and one more rule. It knows nothing of
//! hosts.

use handoff_package::{PathPattern, check_path};

use handoff_model::http::HttpError;

use super::show;

/// Refuses a path that some server could read as another one.
pub fn check(path: &str) -> Result<(), HttpError> {
    let refuse = |problem: &str| Err(HttpError::Invalid(format!("url: path `{}`: {problem}", show(path))));
    if let Err(problem) = check_path(path) {
        return refuse(&problem.to_string());
    }
    // Never part of UTF-8: lenient decoders read `%c0%ae` as a dot.
    let lower = path.to_ascii_lowercase();
    if lower.contains("%c0") || lower.contains("%c1") {
        return refuse("`%c0` and `%c1` are refused: they are not UTF-8, and some servers read `%c0%ae` as `.`");
    }
    Ok(())
}

/// Whether one of the patterns matches. An invalid pattern matches nothing.
#[must_use]
pub fn any_matches(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| PathPattern::new(pattern.as_str()).is_ok_and(|pattern| pattern.matches(path)))
}
