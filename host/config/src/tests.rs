//! What operators write, right and wrong.

mod example;
mod host;
mod settings;

use super::ConfigErrors;

/// Problems as `line:column field | found | expected | advice`.
fn lines(errors: &ConfigErrors) -> String {
    let line = |problem: &super::Problem| {
        let place = &problem.place;
        format!(
            "{}:{} {} | {} | {} | {}\n",
            place.line, place.column, place.field, problem.found, problem.expected, problem.advice
        )
    };
    errors.problems.iter().map(line).collect()
}
