//! Problem details (RFC 9457): the format of all error responses of the control API. Decides no status itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The media type of a problem (RFC 9457, section 6.1).
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Prefix of all problem types of this host. A stable word follows, for example `urn:handoff:problem:not-found`.
/// Programs use the type, people read `detail`.
pub const TYPE_PREFIX: &str = "urn:handoff:problem:";

/// An error response of the control API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// The problem type: [`TYPE_PREFIX`] and a word in kebab case, or `about:blank`.
    #[serde(rename = "type", default = "blank")]
    pub type_uri: String,
    /// The type in a few words, the same for all problems of the type.
    #[serde(default)]
    pub title: String,
    /// The HTTP status, repeated so that a stored problem is complete. 0, and omitted, if the client found the problem
    /// before it sent the request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub status: u16,
    /// What happened, what was expected and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The path of the resource with the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The input field at fault, with dots between levels, for example `http[0].host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// All faults, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FieldProblem>,
}

/// One of several faults of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// The input field at fault, with dots between levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what was expected.
    pub detail: String,
}

impl Problem {
    /// A problem of the host's type `word`.
    #[must_use]
    pub fn new(status: u16, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("{TYPE_PREFIX}{word}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            instance: None,
            field: None,
            problems: Vec::new(),
        }
    }

    /// Sets the input field at fault.
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Sets the resource.
    #[must_use]
    pub fn about(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Sets all faults.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<FieldProblem>) -> Self {
        self.problems = problems;
        self
    }

    /// The word after [`TYPE_PREFIX`], if the type is one of this host.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        self.type_uri.strip_prefix(TYPE_PREFIX)
    }
}

/// The detail, else the title, else the status; never empty.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.detail.is_empty(), self.title.is_empty()) {
            (false, _) => f.write_str(&self.detail),
            (true, false) => f.write_str(&self.title),
            (true, true) => write!(f, "the host answered with HTTP status {}", self.status),
        }
    }
}

impl std::error::Error for Problem {}

fn is_zero(status: &u16) -> bool {
    *status == 0
}

fn blank() -> String {
    "about:blank".to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_problem_keeps_its_wire_form() {
        let problem =
            Problem::new(422, "settings-invalid", "The settings are not usable", "http[0].host: `*` is not a host")
                .at_field("http[0].host")
                .about("/v1/installations/web-leads");
        expect![[r#"
            {
              "type": "urn:handoff:problem:settings-invalid",
              "title": "The settings are not usable",
              "status": 422,
              "detail": "http[0].host: `*` is not a host",
              "instance": "/v1/installations/web-leads",
              "field": "http[0].host"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&problem).expect("a problem is JSON"));
    }

    #[test]
    fn an_empty_problem_still_says_something() {
        let problem: Problem = serde_json::from_str("{\"status\":502}").expect("all members are optional");
        assert_eq!(problem.to_string(), "the host answered with HTTP status 502");
        assert_eq!(problem.type_uri, "about:blank");
    }
}
