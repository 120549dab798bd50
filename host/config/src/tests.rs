//! Operators' files, valid and invalid.

mod example;
mod host;
mod scopes;
mod settings;

use super::ConfigErrors;

/// Problems as `line:column field | found | expected | advice`.
fn lines(errors: &ConfigErrors) -> String {
    let line = |problem: &super::Problem| {
        let location = &problem.location;
        format!(
            "{}:{} {} | {} | {} | {}\n",
            location.line, location.column, location.field, problem.found, problem.expected, problem.advice
        )
    };
    errors.problems.iter().map(line).collect()
}
