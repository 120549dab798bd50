//! Checks that everything an installation's settings refer to is defined in `handoff.toml`.

use super::{Reference, ReferenceKind, Settings};
use crate::Config;
use crate::problem::{ConfigErrors, Problem, nearest};

impl Settings {
    /// Reports every rooftop, secret and auth profile that the host's config does not define.
    pub fn check_references(&self, config: &Config) -> Result<(), ConfigErrors> {
        let problems: Vec<_> = self.references.iter().filter_map(|reference| check(reference, config)).collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigErrors::new(problems)) }
    }
}

fn check(reference: &Reference, config: &Config) -> Option<Problem> {
    let Reference { kind, name, location } = reference;
    let (word, section, fields, defined): (_, _, _, Vec<&str>) = match kind {
        ReferenceKind::Rooftop => {
            ("rooftop", "rooftops", "time-zone = \"…\"", config.rooftops.keys().map(|name| name.as_str()).collect())
        }
        ReferenceKind::Secret => {
            ("secret", "secrets", "`file = …`, `env = …` or `command = …`", config.secret_names().collect())
        }
        ReferenceKind::Auth => ("auth profile", "auth", "its kind and secrets", config.auth_names().collect()),
    };
    if defined.contains(&name.as_str()) {
        return None;
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
