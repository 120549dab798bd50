//! The approval code of an upgrade report: an approval is valid for exactly that report. Stores nothing: the same
//! report has the same code.

use sha2::{Digest as _, Sha256};

use super::preflight::Checked;
use handoff_control::installations::upgrade::GrantChangeView;

/// Hexadecimal digits of a code: short enough to type, long enough to make collisions unlikely.
const CODE_DIGITS: usize = 12;

/// The code of a report. It covers the package, the active generation, the state change, all permissions of the new
/// generation and its whole config. It leaves out whatever differs between runs, such as times.
pub(super) fn code(checked: &Checked) -> String {
    let content = &checked.content;
    let active = checked.existing.as_ref().map_or(0, |existing| existing.active.generation.0);
    let grants = serde_json::to_string(&content.grants).unwrap_or_default();
    let state = serde_json::to_string(&checked.state).unwrap_or_default();
    let parts = [
        checked.candidate.name.as_str(),
        &active.to_string(),
        &content.digest,
        &state,
        &grants,
        &content.config_json,
        &content.ingress_json,
    ];
    let mut hasher = Sha256::new();
    for part in parts {
        // The length comes first, so that different parts cannot have the same input.
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let mut code = hex::encode(hasher.finalize());
    code.truncate(CODE_DIGITS);
    code
}

/// The reasons why the upgrade needs approval; empty if it needs none.
pub(super) fn reasons(grants_added: &[GrantChangeView]) -> Vec<String> {
    let count = grants_added.len();
    let things = if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let reason = (count > 0).then(|| format!("it may do {things} that the active generation may not"));
    reason.into_iter().collect()
}
