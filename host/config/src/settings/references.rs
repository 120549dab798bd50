//! Checks that everything an installation's settings refer to is defined in `handoff.toml`.

use super::{Reference, ReferenceKind, Settings};
use crate::Config;
use crate::problem::{ConfigErrors, Problem, nearest};
use handoff_model::scope::Scope;

impl Settings {
    /// Reports every rooftop, group, secret and auth profile that the host's config does not define, or that is not for
    /// installations of this scope.
    pub fn check_references(&self, config: &Config) -> Result<(), ConfigErrors> {
        let problems: Vec<_> =
            self.references.iter().filter_map(|reference| check(reference, &self.scope, config)).collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigErrors::new(problems)) }
    }
}

fn check(reference: &Reference, own: &Scope, config: &Config) -> Option<Problem> {
    let Reference { kind, name, location } = reference;
    let (word, section, fields, defined): (_, _, _, Vec<&str>) = match kind {
        ReferenceKind::Rooftop => {
            ("rooftop", "rooftops", "time-zone = \"…\"", config.rooftops.keys().map(|name| name.as_str()).collect())
        }
        ReferenceKind::Group => {
            ("group", "groups", "`rooftops` and `time-zone`", config.groups.keys().map(|name| name.as_str()).collect())
        }
        ReferenceKind::Secret => {
            ("secret", "secrets", "`file = …`, `env = …` or `command = …`", config.secret_names().collect())
        }
        ReferenceKind::Auth => ("auth profile", "auth", "its kind and secrets", config.auth_names().collect()),
    };
    if defined.contains(&name.as_str()) {
        let scopes = match kind {
            ReferenceKind::Secret => config.secret_scopes(name),
            ReferenceKind::Auth => config.auth_scopes(name),
            ReferenceKind::Rooftop | ReferenceKind::Group => None,
        };
        scopes.filter(|scopes| !scopes.contains(own))?;
        let list = if matches!(own, Scope::Rooftop(_)) { "rooftops" } else { "groups" };
        return Some(Problem {
            location: location.clone(),
            found: format!("the {word} \"{name}\", which is not for `{own}`"),
            expected: format!("one that installations of `{own}` may use"),
            advice: format!("use another one, or extend `{list}` of it and of its secret in handoff.toml"),
        });
    }
    let advice = match nearest(name, defined.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add `[{section}.{name}]` with {fields} to handoff.toml"),
    };
    Some(Problem {
        location: location.clone(),
        found: format!("the undefined {word} \"{name}\""),
        expected: format!("one that `[{section}]` of handoff.toml defines"),
        advice,
    })
}
