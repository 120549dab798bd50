//! The results of a test run, for programs and as text.

use handoff_app::cases::Difference;
use handoff_package::Manifest;
use serde::Serialize;
use serde_json::Value;

use crate::style::{Style, Tone, clean, duration};

/// Longest value that the text shows, in characters.
const VALUE_CHARS_MAX: usize = 300;

/// All results.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestReport {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) accepted: usize,
    pub(super) took_ms: u64,
    pub(super) cases: Vec<CaseReport>,
}

/// The result of one case.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CaseReport {
    pub(super) name: String,
    pub(super) result: CaseResult,
    /// Why the case cannot be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    pub(super) differences: Vec<Difference>,
    /// Look-ups that the case has no answer to.
    pub(super) missing_answers: Vec<String>,
    /// What the connector logged, if the case failed.
    pub(super) logs: Vec<String>,
    pub(super) took_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CaseResult {
    #[default]
    Passed,
    Failed,
    /// Its expectation was written.
    Accepted,
}

impl TestReport {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            package: manifest.package.name.to_string(),
            version: manifest.package.version.to_string(),
            passed: 0,
            failed: 0,
            accepted: 0,
            took_ms: 0,
            cases: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, case: CaseReport) {
        match case.result {
            CaseResult::Passed => self.passed += 1,
            CaseResult::Failed => self.failed += 1,
            CaseResult::Accepted => self.accepted += 1,
        }
        self.cases.push(case);
    }
}

impl CaseReport {
    /// A case that cannot be run, or whose expectation cannot be written.
    pub(super) fn invalid(problem: String) -> Self {
        Self { result: CaseResult::Failed, problem: Some(problem), ..Self::default() }
    }
}

pub(super) fn show(report: &TestReport, style: &Style) -> String {
    let mut text = String::new();
    for case in &report.cases {
        let (mark, tone) = match case.result {
            CaseResult::Passed => ("✔", Tone::Good),
            CaseResult::Failed => ("✘", Tone::Bad),
            CaseResult::Accepted => ("✎", Tone::Careful),
        };
        let accepted = if case.result == CaseResult::Accepted { ": accepted" } else { "" };
        text.push_str(&format!("{} {}{accepted}\n", style.paint(tone, mark), clean(&case.name)));
        if let Some(problem) = &case.problem {
            text.push_str(&format!("    {}\n", clean(problem)));
        }
        case.differences.iter().for_each(|difference| text.push_str(&place(difference, style)));
        for look_up in &case.missing_answers {
            text.push_str(&format!("    no answer under `http` of case.json: {}\n", clean(look_up)));
        }
        for line in &case.logs {
            text.push_str(&format!("    {}\n", style.paint(Tone::Faint, &clean(&format!("log {line}")))));
        }
    }
    let count = |number: usize, word: &str, tone: Tone| match number {
        0 => String::new(),
        number => format!("{}, ", style.paint(tone, &format!("{number} {word}"))),
    };
    text.push_str(&format!(
        "{} {}: {}{}{}{}\n",
        clean(&report.package),
        clean(&report.version),
        count(report.failed, "failed", Tone::Bad),
        count(report.accepted, "accepted", Tone::Careful),
        count(report.passed, "passed", Tone::Good),
        duration(f64::from(u32::try_from(report.took_ms).unwrap_or(u32::MAX))),
    ));
    text
}

fn place(difference: &Difference, style: &Style) -> String {
    let value = |value: &Option<Value>| match value {
        None => "(nothing)".to_owned(),
        Some(value) => shortened(&clean(&value.to_string())),
    };
    format!(
        "    {}\n      {} {}\n      {} {}\n",
        clean(&difference.path),
        style.paint(Tone::Faint, "expected"),
        style.paint(Tone::Bad, &value(&difference.expected)),
        style.paint(Tone::Faint, "actual  "),
        style.paint(Tone::Good, &value(&difference.actual)),
    )
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if text.chars().nth(VALUE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
