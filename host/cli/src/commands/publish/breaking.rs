//! What a version takes away from those who run the previous one: events, targets, configs that were valid, an interface
//! that their host has. Pure; it compares two packages.

mod schema;

use handoff_package::manifest::HttpTarget;
use handoff_package::{Manifest, Package};

/// Most differences that are named.
const NAMED_MAX: usize = 20;

/// Whether users of `before` take `after` without a decision of their own (semver 2.0.0: before 1.0.0, the minor version
/// is the major one).
pub(super) fn is_compatible(before: &semver::Version, after: &semver::Version) -> bool {
    match (before.major, after.major) {
        (0, 0) => before.minor == after.minor,
        (before, after) => before == after,
    }
}

/// Every difference that breaks an installation of `before`, as sentences.
pub(super) fn differences(before: &Package, after: &Package) -> Vec<String> {
    let mut found = Vec::new();
    let (old, new) = (&before.manifest, &after.manifest);
    gone("events.accepts", &texts(&old.events.accepts), &texts(&new.events.accepts), &mut found);
    gone("events.emits", &texts(&old.events.emits), &texts(&new.events.emits), &mut found);
    hook(old, new, &mut found);
    for target in &old.http {
        match new.http.iter().find(|other| other.name == target.name) {
            None => found.push(format!("http `{}` is gone: settings that grant it are refused", target.name)),
            Some(other) => changed_target(target, other, &mut found),
        }
    }
    if new.state.schema < old.state.schema {
        found.push(format!(
            "state.schema falls from {} to {}: state is never migrated back",
            old.state.schema, new.state.schema
        ));
    }
    if before.interface < after.interface {
        found.push(format!(
            "it needs handoff:connector {} instead of {}: older hosts refuse it",
            after.interface, before.interface
        ));
    }
    let schemas = (&old.config, &new.config);
    match schemas {
        (None, Some(_)) => {
            found.push("config has a schema now: configs that were taken before may be refused".to_owned())
        }
        (Some(old), Some(new)) => schema::narrowed("config", old.schema.as_json(), new.schema.as_json(), &mut found),
        (_, None) => {}
    }
    found.truncate(NAMED_MAX);
    found
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn gone(field: &str, before: &[String], after: &[String], found: &mut Vec<String>) {
    let missing = before.iter().filter(|item| !after.contains(item));
    found.extend(missing.map(|item| format!("{field} has `{item}` no longer")));
}

fn hook(old: &Manifest, new: &Manifest, found: &mut Vec<String>) {
    let kinds = |manifest: &Manifest| {
        let kinds = manifest.hook.iter().flat_map(|hook| &hook.verify);
        let text = |kind| serde_json::to_value(kind).ok().and_then(|text| Some(text.as_str()?.to_owned()));
        kinds.filter_map(text).collect::<Vec<_>>()
    };
    gone("hook.verify", &kinds(old), &kinds(new), found);
}

fn changed_target(old: &HttpTarget, new: &HttpTarget, found: &mut Vec<String>) {
    let place = |field: &str| format!("http `{}` {field}", old.name);
    if old.host != new.host && !new.host.is_any() {
        found.push(format!("{} is `{}` instead of `{}`", place("host"), new.host, old.host));
    }
    let methods =
        |target: &HttpTarget| target.methods.iter().map(|method| method.as_str().to_owned()).collect::<Vec<_>>();
    gone(&place("methods"), &methods(old), &methods(new), found);
    gone(&place("paths"), &texts(&old.paths), &texts(&new.paths), found);
    gone(&place("look-ups"), &texts(&old.look_ups), &texts(&new.look_ups), found);
    gone(&place("auth"), &texts(&old.auth), &texts(&new.auth), found);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a/b\"\nversion = \"1.0.0\"\ntitle = \"T\"\nsummary = \"S.\"\nlicense = \"MIT\"\n\
                            [events]\naccepts = [\"a.b\", \"a.c\"]\nemits = [\"a.d\"]\n\
                            [[http]]\nname = \"crm\"\nhost = \"*\"\nmethods = [\"GET\", \"PUT\"]\npaths = [\"/x\"]\nwhy = \"W.\"\n\
                            [state]\nschema = 2\n";

    fn package(changes: &[(&str, &str)]) -> Package {
        let text = changes.iter().fold(MANIFEST.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let manifest = Manifest::from_toml(&text).unwrap();
        let digest = handoff_package::Digest::of(b"");
        Package { digest, size: 0, manifest, interface: semver::Version::new(1, 0, 0) }
    }

    #[test]
    fn each_break_is_named_and_additions_are_none() {
        let before = package(&[]);
        for (from, to, expected) in [
            ("\"a.b\", \"a.c\"", "\"a.b\"", "events.accepts has `a.c` no longer"),
            ("emits = [\"a.d\"]", "emits = []", "events.emits has `a.d` no longer"),
            ("name = \"crm\"", "name = \"dms\"", "http `crm` is gone: settings that grant it are refused"),
            ("host = \"*\"", "host = \"crm.example\"", "http `crm` host is `crm.example` instead of `*`"),
            ("\"GET\", \"PUT\"", "\"PUT\"", "http `crm` methods has `GET` no longer"),
            ("[\"/x\"]", "[\"/y\"]", "http `crm` paths has `/x` no longer"),
            ("schema = 2", "schema = 1", "state.schema falls from 2 to 1: state is never migrated back"),
        ] {
            assert_eq!(differences(&before, &package(&[(from, to)])), [expected], "{from} → {to}");
        }
        let more = [
            ("emits = [\"a.d\"]", "emits = [\"a.d\", \"a.e\"]"),
            ("schema = 2", "schema = 3"),
            ("[\"/x\"]", "[\"/x\", \"/y\"]"),
        ];
        assert_eq!(differences(&before, &package(&more)), Vec::<String>::new());
        let newer = Package { interface: semver::Version::new(1, 1, 0), ..package(&[]) };
        assert_eq!(
            differences(&before, &newer),
            ["it needs handoff:connector 1.1.0 instead of 1.0.0: older hosts refuse it"]
        );
    }

    #[test]
    fn before_one_the_minor_version_is_the_major_one() {
        let version = |text: &str| text.parse::<semver::Version>().unwrap();
        for (before, after, expected) in
            [("1.0.0", "1.9.0", true), ("1.0.0", "2.0.0", false), ("0.1.0", "0.1.9", true), ("0.1.0", "0.2.0", false)]
        {
            assert_eq!(is_compatible(&version(before), &version(after)), expected, "{before} → {after}");
        }
    }
}
