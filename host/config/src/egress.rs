//! Reads secrets, auth profiles and the settings of outgoing HTTP: the sections whose types `secrets` and `egress`
//! define. It reports their errors at the right location in the file, and reads no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::host::{path, secret};
use super::json;
use super::problem::{Location, nearest};
use super::reader::{Field, Section};
use super::scopes::{Defined, restriction};
use super::secret_patterns;
use crate::secret_source::{SecretSource, readers};
use handoff_model::limits::CallLimits;
use handoff_model::names::AuthProfileName;
use handoff_model::scope::Scope;
use handoff_model::time::SystemClock;
use handoff_policy::egress::{AuthProfile, ClientOptions, EgressOptions, HostOptions};
use handoff_policy::secrets::{SecretReader, Secrets};

/// The secrets and the options of outgoing HTTP.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EgressConfig {
    pub(super) secrets: BTreeMap<String, DefinedSecret>,
    pub(super) secret_locations: BTreeMap<String, Location>,
    pub(super) auth: BTreeMap<AuthProfileName, AuthProfile>,
    /// Whose installations may use a profile, if that is limited.
    pub(super) auth_scopes: BTreeMap<AuthProfileName, BTreeSet<Scope>>,
    pub(super) hosts: BTreeMap<String, HostOptions>,
    pub(super) client: ClientOptions,
}

/// A secret of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DefinedSecret {
    pub(super) source: SecretSource,
    /// Whose installations may use it; none: those of every rooftop and group.
    pub(super) scopes: Option<BTreeSet<Scope>>,
}

impl EgressConfig {
    /// A reader for each secret.
    pub(super) fn readers(&self) -> BTreeMap<String, Arc<dyn SecretReader>> {
        readers(self.secrets.iter().map(|(name, secret)| (name, &secret.source)))
    }
}

/// `[secrets.NAME]`: exactly one of `file`, `env` and `command` each.
pub(super) fn secrets(section: &Section<'_>, folder: &Path, defined: &Defined) -> BTreeMap<String, DefinedSecret> {
    let mut sources = BTreeMap::new();
    for (name, field) in section.entries() {
        if !is_secret_name(name) {
            field.wrong_found("the name of a secret", "1 to 63 letters, digits, `-` and `_`", "rename it");
            continue;
        }
        if field.value.as_str().is_some() {
            field.wrong_found(
                "what looks like a secret in the file itself",
                format!("a section `[secrets.{name}]`"),
                "write `file = …`, `env = …` or `command = [\"…\"]` there, and change the secret, because files get copied",
            );
            continue;
        }
        let Some(section) = field.section() else { continue };
        let scopes = restriction(&section, defined);
        if let Some(source) = source(&section, folder) {
            sources.insert(name.to_owned(), DefinedSecret { source, scopes });
        }
    }
    sources
}

/// Whether a text is a valid secret name.
pub(super) fn is_secret_name(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn source(section: &Section<'_>, folder: &Path) -> Option<SecretSource> {
    let file = section.field("file");
    let env = section.field("env");
    let command = section.field("command");
    section.finish();
    match (file, env, command) {
        (Some(field), None, None) => path(&field, folder).map(SecretSource::File),
        (None, Some(field), None) => match field.text()? {
            name if name.contains('=') => {
                field.wrong("the name of a variable, without `=`", "write it like \"CRM_PASSWORD\"");
                None
            }
            name => Some(SecretSource::Env(name.to_owned())),
        },
        (None, None, Some(field)) => {
            let words: Vec<_> = field.list().iter().filter_map(|word| word.text().map(str::to_owned)).collect();
            if words.is_empty() {
                field.wrong("a program and its arguments", "write it like [\"vault\", \"kv\", \"get\", \"…\"]");
            }
            (!words.is_empty()).then_some(SecretSource::Command(words))
        }
        _ => {
            section.wrong(
                "none or several of `file`, `env` and `command`",
                "exactly one of them",
                "set where the secret is stored",
            );
            None
        }
    }
}

/// `[auth.NAME]`, `[hosts."NAME"]` and `[egress]`.
pub(super) fn read(
    root: &Section<'_>,
    folder: &Path,
    secrets: BTreeMap<String, DefinedSecret>,
    (secret_names, defined): (&BTreeSet<String>, &Defined),
    limits: CallLimits,
) -> EgressConfig {
    let secret_locations = root
        .section("secrets")
        .entries()
        .into_iter()
        .map(|(name, field)| (name.to_owned(), field.location()))
        .collect();
    let mut egress = EgressConfig {
        secrets,
        secret_locations,
        auth: BTreeMap::new(),
        auth_scopes: BTreeMap::new(),
        hosts: BTreeMap::new(),
        client: ClientOptions::default(),
    };
    for (name, field) in root.section("auth").entries() {
        let Ok(key) = name.parse::<AuthProfileName>() else {
            let problem = "a name of lower-case letters, digits and inner hyphens";
            field.wrong_found(format!("the auth profile {name:?}"), problem, "rename it");
            continue;
        };
        let Some(section) = field.section() else { continue };
        let own = restriction(&section, defined);
        let Some(profile) = typed::<AuthProfile>(&section, &["rooftops", "groups"]) else { continue };
        let known = section.field("secret").and_then(|field| secret(&field, secret_names));
        // An invalid definition was reported already; the profile itself is checked after that is fixed.
        if known.is_some_and(|name| egress.secrets.contains_key(&name)) {
            check(&section, &egress, limits, |options| options.auth.insert(key.clone(), profile.clone()).is_none());
            let of_secret = egress.secrets.get(profile.secret()).and_then(|secret| secret.scopes.clone());
            if let (Some(own), Some(of_secret)) = (&own, &of_secret)
                && !own.is_subset(of_secret)
            {
                section.wrong(
                    "rooftops or groups that may not use its secret",
                    "some of those of the secret",
                    "extend `rooftops` or `groups` of the secret, or shorten them here",
                );
            }
            egress.auth_scopes.extend(own.or(of_secret).map(|scopes| (key.clone(), scopes)));
            egress.auth.insert(key, profile);
        }
    }
    for (host, field) in root.section("hosts").entries() {
        let Some(section) = field.section() else { continue };
        let Some(options) = typed::<HostOptions>(&section, &[]) else { continue };
        check(&section, &egress, limits, |all| all.hosts.insert(host.to_owned(), options.clone()).is_none());
        egress.hosts.insert(host.to_ascii_lowercase(), options);
    }
    let section = root.section("egress");
    if let Some(client) = typed::<ClientOptions>(&section, &[]) {
        check(&section, &egress, limits, |all| {
            all.client = client.clone();
            true
        });
        let extra_ca_files = client.extra_ca_files.iter().map(|file: &PathBuf| folder.join(file)).collect();
        egress.client = ClientOptions { extra_ca_files, ..client };
    }
    egress
}

/// Parses a section with its own type, which knows nothing of the fields in `others`.
fn typed<T: DeserializeOwned>(section: &Section<'_>, others: &[&str]) -> Option<T> {
    let mut literal = false;
    let tables = section.entries().into_iter().filter(|(_, field)| field.value.as_table().is_some());
    let nested = tables.filter_map(|(_, field)| field.section()).flat_map(|table| table.entries());
    for (key, field) in section.entries().into_iter().chain(nested) {
        // `secret` contains a name, and WS-Security's `password` a format. Any other field with the name of a secret
        // contains one.
        let is_form = key == "password" && matches!(field.value.as_str(), Some("text" | "digest"));
        if key != "secret" && !is_form && secret_patterns::is_secret_key(key) && field.value.as_str().is_some() {
            literal = true;
            field.wrong_found(
                "what looks like a secret in the file itself",
                "`secret = \"NAME\"` and a section `[secrets.NAME]`",
                "define it in `[secrets.NAME]` as `file = …`, `env = …` or `command = …`, and change the secret, because \
                 files get copied",
            );
        }
    }
    if literal {
        return None;
    }
    let mut fields = json::plain(section);
    fields.retain(|key, _| !others.contains(&key.as_str()));
    match serde_json::from_value(Value::Object(fields)) {
        Ok(value) => Some(value),
        Err(error) => {
            explain(section, &error.to_string());
            None
        }
    }
}

/// Reports a serde error at the field that it names, with the most similar expected word.
fn explain(section: &Section<'_>, error: &str) {
    let quoted: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
    let entries = section.entries();
    let named = quoted.first().and_then(|name| entries.iter().find(|(key, _)| key == name));
    let kind = entries.iter().find(|(key, _)| *key == "kind" && error.contains("unknown variant"));
    let advice = match quoted.split_first().and_then(|(name, rest)| nearest(name, rest.iter().copied())) {
        Some(near) if error.contains("unknown") => format!("did you mean `{near}`?"),
        _ => "see `handoff check --example` for every field".to_owned(),
    };
    let location: Option<&Field<'_>> = named.or(kind).map(|(_, field)| field);
    match location {
        Some(field) => field.wrong_found(format!("an unusable field: {error}"), "a field of this section", advice),
        None => section.wrong(format!("an unusable section: {error}"), "the fields of this section", advice),
    }
}

/// Validates one entry at a time, so that all wrong entries are reported.
fn check(
    section: &Section<'_>,
    egress: &EgressConfig,
    limits: CallLimits,
    insert: impl FnOnce(&mut EgressOptions) -> bool,
) {
    // The clock only ages copies of secrets, and none is read here.
    let Ok(secrets) = Secrets::new(egress.readers(), Arc::new(SystemClock)) else { return };
    let mut one = EgressOptions {
        auth: BTreeMap::new(),
        auth_scopes: BTreeMap::new(),
        secrets,
        hosts: BTreeMap::new(),
        client: ClientOptions::default(),
        limits,
        stand_ins: BTreeMap::new(),
    };
    insert(&mut one);
    if let Err(error) = one.check() {
        let entries = section.entries();
        let last = error.field.rsplit('.').next().unwrap_or_default();
        let advice = "correct it, or see `handoff check --example`";
        match entries.iter().find(|(key, _)| *key == last) {
            Some((_, field)) => field.wrong_found(error.problem, "a valid value", advice),
            None => section.wrong(error.problem, "a valid value", advice),
        }
    }
}
