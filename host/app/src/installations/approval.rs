//! The approval code of an upgrade report, and what makes an approval necessary. An approval is valid for exactly that
//! report: the same report has the same code.

use std::collections::VecDeque;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::preflight::Checked;
use crate::count::count;
use crate::error::AppError;
use handoff_control::installations::upgrade::GrantChangeView;
use handoff_control::shadow::{DifferenceKind, ShadowView};

/// Hexadecimal digits of a code: short enough to type, long enough to make collisions unlikely.
const CODE_DIGITS: usize = 12;
/// Reports to remember whose shadow run showed new failures.
const SHADOW_FAILURES_MAX: usize = 64;
/// How the difference of a delivery begins that was committed. See `shadow::compare` of the engine.
const COMMITTED: &str = "committed →";

/// The code of several reports together.
pub(super) fn code_of_all(codes: &[String]) -> String {
    let mut code = fingerprint(codes.iter().map(String::as_str));
    code.truncate(CODE_DIGITS);
    code
}

/// Refuses a change of several installations without an approval of exactly these reports.
pub(super) fn refuse_other(code: &str, approve: Option<&str>) -> Result<(), AppError> {
    let (refusal, message) = match approve {
        Some(given) if given == code => return Ok(()),
        Some(_) => (
            "approval-changed",
            "the code stands for other reports: what is installed is not what it was. Look at the reports again; nothing was \
             changed"
                .to_owned(),
        ),
        None => ("needs-approval", format!("to approve the reports, give their code, {code}; nothing was changed")),
    };
    Err(AppError::Refused { code: refusal, message })
}

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
    let mut code = fingerprint(parts.into_iter());
    code.truncate(CODE_DIGITS);
    code
}

fn fingerprint<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length comes first, so that different parts cannot have the same input.
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// The reasons why the upgrade needs approval; empty if it needs none.
pub(super) fn reasons(grants_added: &[GrantChangeView]) -> Vec<String> {
    let things = count(grants_added.len(), "thing", "things");
    let reason = (!grants_added.is_empty()).then(|| format!("it may do {things} that the active generation may not"));
    reason.into_iter().collect()
}

/// Says that the version is older than the active one.
pub(super) fn older(checked: &Checked) -> Option<String> {
    let active = &checked.existing.as_ref()?.active.content.version;
    let wanted = &checked.content.version;
    (wanted < active).then(|| format!("version {wanted} is older than the active version {active}"))
}

/// Says that recorded deliveries which committed would fail.
pub(super) fn now_failing(shadow: &ShadowView) -> Option<String> {
    let outcomes = shadow.differences.iter().filter(|group| group.kind == DifferenceKind::Outcome);
    let failing: u64 = outcomes.filter(|group| group.what.starts_with(COMMITTED)).map(|group| group.count).sum();
    let ran = shadow.deliveries.ran;
    (failing > 0).then(|| format!("{failing} of the {ran} newest deliveries would fail, though they were committed"))
}

/// Reports whose shadow run turned commits into failures: applying them needs an approval. In memory, because each
/// report is made again before it is approved.
#[derive(Default)]
pub(crate) struct ShadowFailures(Mutex<VecDeque<(String, String)>>);

impl ShadowFailures {
    pub(super) fn note(&self, code: &str, reason: &str) {
        let mut all = self.0.lock();
        all.retain(|(known, _)| known != code);
        all.push_back((code.to_owned(), reason.to_owned()));
        if all.len() > SHADOW_FAILURES_MAX {
            all.pop_front();
        }
    }

    pub(super) fn of(&self, code: &str) -> Option<String> {
        self.0.lock().iter().find(|(known, _)| known == code).map(|(_, reason)| reason.clone())
    }
}
