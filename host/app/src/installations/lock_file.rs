//! `handoff.lock`: a lock as TOML that people can review. The same lock has the same bytes. Opens no file.

use serde::Deserialize;
use serde_json::{Map, Value};

use handoff_control::installations::lock::{LockView, LockedInstallation};
use handoff_control::registry::SignerView;
use handoff_model::names::{GroupName, InstallationName, RooftopName};
use handoff_model::scope::Scope;

/// The version of the format.
const LOCK_VERSION: u32 = 1;
/// Maximum size of a lock in bytes: enough for a thousand installations.
pub const LOCK_BYTES_MAX: usize = 16 << 20;

const HEAD: &str = "\
# What is installed on a host, exactly. Written by `handoff lock`, read by `handoff apply`.
# `digest` names the package's bytes: apply takes these and no others. Secrets are only named here.
";

/// The text is not a valid lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLock(String);

/// Formats the lock as TOML.
#[must_use]
pub fn to_toml(lock: &LockView) -> String {
    let mut text = format!("{HEAD}\nlock-version = {LOCK_VERSION}\n");
    for installation in &lock.installations {
        text.push_str(&table(installation));
    }
    text
}

fn table(installation: &LockedInstallation) -> String {
    let LockedInstallation { name, package, version, digest, signer, registry, scope, settings_folder, settings } =
        installation;
    let mut text = String::from("\n[[installation]]\n");
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {}\n", quoted(value)));
    line("name", name.as_str());
    line("package", package);
    line("version", version);
    line("digest", digest);
    match registry {
        Some(registry) => line("registry", registry),
        None => text.push_str("# Given as a file: `apply` only finds it where the host has these bytes already.\n"),
    }
    if let Some(SignerView { publisher, key_id }) = signer {
        let (publisher, key) = (quoted(publisher), quoted(key_id));
        text.push_str(&format!("signer = {{ publisher = {publisher}, key-id = {key} }}\n"));
    }
    let (key, of) = match scope {
        Scope::Rooftop(name) => ("rooftop", name.as_str()),
        Scope::Group(name) => ("group", name.as_str()),
    };
    text.push_str(&format!("{key} = {}\n", quoted(of)));
    if let Some(folder) = settings_folder {
        text.push_str(&format!("settings-folder = {}\n", quoted(folder)));
    }
    if settings.as_object().is_none_or(Map::is_empty) {
        text.push_str("settings = {}\n");
        return text;
    }
    // Nested tables belong to the last `[[installation]]`. Checked settings always have a TOML form.
    let nested = serde_json::json!({ "installation": { "settings": settings } });
    text.push('\n');
    text.push_str(&toml::to_string(&nested).unwrap_or_default());
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Parses the TOML form.
///
/// # Errors
/// Names the line and the field.
pub fn from_toml(text: &str) -> Result<LockView, InvalidLock> {
    if text.len() > LOCK_BYTES_MAX {
        return Err(InvalidLock(format!("{} bytes; expected at most {LOCK_BYTES_MAX}", text.len())));
    }
    let file: File = toml::from_str(text).map_err(|error| {
        // Without the excerpt that the error contains: lines may be long.
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        InvalidLock(format!("{line}{}; `handoff lock` writes this file", error.message()))
    })?;
    if file.lock_version != LOCK_VERSION {
        let found = file.lock_version;
        return Err(InvalidLock(format!(
            "lock-version {found}; this program reads {LOCK_VERSION}: use another version of it"
        )));
    }
    let installations = file.installation.into_iter().map(Entry::locked).collect::<Result<Vec<_>, _>>();
    let mut installations = installations?;
    installations.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = installations.windows(2).find(|two| matches!(two, [a, b] if a.name == b.name)) {
        let name = twice.first().map(|one| one.name.to_string()).unwrap_or_default();
        return Err(InvalidLock(format!("installation `{name}` is there twice; expected each name once")));
    }
    Ok(LockView { installations })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    lock_version: u32,
    #[serde(default)]
    installation: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    name: InstallationName,
    package: String,
    version: String,
    digest: String,
    registry: Option<String>,
    signer: Option<SignerEntry>,
    rooftop: Option<RooftopName>,
    group: Option<GroupName>,
    settings_folder: Option<String>,
    #[serde(default)]
    settings: toml::Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SignerEntry {
    publisher: String,
    key_id: String,
}

impl Entry {
    fn locked(self) -> Result<LockedInstallation, InvalidLock> {
        let scope = match (self.rooftop, self.group) {
            (Some(name), None) => Scope::Rooftop(name),
            (None, Some(name)) => Scope::Group(name),
            _ => return Err(InvalidLock(format!("installation `{}`: expected `rooftop` or `group`", self.name))),
        };
        Ok(LockedInstallation {
            name: self.name,
            package: self.package,
            version: self.version,
            digest: self.digest,
            signer: self.signer.map(|SignerEntry { publisher, key_id }| SignerView { publisher, key_id }),
            registry: self.registry,
            scope,
            settings_folder: self.settings_folder,
            settings: settings_json(self.settings),
        })
    }
}

/// Converts settings to JSON. Dates become strings, as everywhere in a connector's config.
#[must_use]
pub fn settings_json(table: toml::Table) -> Value {
    Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect::<Map<_, _>>())
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        // Values that JSON cannot represent become null. The check of the settings refuses them.
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => settings_json(table),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn lock() -> LockView {
        let one = LockedInstallation {
            name: "web-leads".parse().unwrap(),
            package: "acme/leads".to_owned(),
            version: "1.0.0".to_owned(),
            digest: format!("sha256:{}", "ab".repeat(32)),
            signer: Some(SignerView { publisher: "acme".to_owned(), key_id: format!("sha256:{}", "cd".repeat(32)) }),
            registry: Some("main".to_owned()),
            scope: "main-street".parse().unwrap(),
            settings_folder: Some("/etc/handoff".to_owned()),
            settings: serde_json::json!({
                "config": { "default-country": "US", "note": "a \"quoted\"\nline", "scores": [1, 2.5] },
                "hook": { "verify": "standard-webhooks", "secret": "leads-hook" },
                "folders": [{ "name": "mail", "path": "leads" }],
            }),
        };
        let mut other = one.clone();
        other.name = "by-hand".parse().unwrap();
        (other.signer, other.registry, other.settings_folder) = (None, None, None);
        other.scope = "group:west".parse().unwrap();
        other.settings = serde_json::json!({});
        LockView { installations: vec![other, one] }
    }

    #[test]
    fn a_lock_is_read_back_as_it_was_and_always_has_the_same_bytes() {
        let text = to_toml(&lock());
        assert_eq!(from_toml(&text).unwrap(), lock());
        assert_eq!(to_toml(&from_toml(&text).unwrap()), text);
        assert!(text.starts_with("# What is installed on a host, exactly."), "{text}");
        for line in [
            "lock-version = 1",
            "name = \"web-leads\"",
            "registry = \"main\"",
            "rooftop = \"main-street\"",
            "group = \"west\"",
            "settings-folder = \"/etc/handoff\"",
            "[installation.settings.config]",
            "default-country = \"US\"",
            "[[installation.settings.folders]]",
            "# Given as a file: `apply` only finds it where the host has these bytes already.",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` is missing:\n{text}");
        }
    }

    #[test]
    fn what_is_no_lock_is_refused_with_its_line() {
        let good = to_toml(&lock());
        for (text, expected) in [
            (good.replace("lock-version = 1", "lock-version = 2"), "lock-version 2"),
            (good.replace("rooftop = \"main-street\"", "roof = \"main-street\""), "unknown field `roof`"),
            (good.replace("group = \"west\"\n", ""), "installation `by-hand`: expected `rooftop` or `group`"),
            (good.replace("\"web-leads\"", "\"by-hand\""), "`by-hand` is there twice"),
            (good.replace("\"web-leads\"", "\"Web Leads\""), "is not a name"),
            (good.replace("[[installation]]", "[[installation]"), "line 6"),
            (String::new(), "lock-version"),
        ] {
            let error = from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\n expected {expected}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_it_takes_stays_the_same(
            text in "lock-version = 1\n(\\[\\[installation\\]\\]\n|name = \"a\"\n|package = \"a/b\"\n|version = \"1\"\n|digest = \"d\"\n|rooftop = \"r\"\n|group = \"g\"\n|settings = \\{\\}\n|[a-z=\"\\[\\]{}.\n ]){0,30}"
        ) {
            if let Ok(lock) = from_toml(&text) {
                proptest::prop_assert_eq!(from_toml(&to_toml(&lock)), Ok(lock));
            }
        }
    }
}
