//! Package sources and trust: `[registries.NAME]`, `[trust]` and `[recalls]`. It connects to nothing and reads no
//! secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use handoff_package::reference::RegistryRef;
use url::{Host, Url};

use super::host::{path, secret};
use super::reader::{Field, Section};
use handoff_model::time::Timestamp;

/// Default interval at which the indexes of installed packages are checked, in seconds.
const RECALLS_EVERY_S: u64 = 3_600;
/// Maximum of `[recalls] list-max-age-days`.
const LIST_MAX_AGE_DAYS_MAX: u64 = 3_650;
/// Maximum of `[recalls] every-s`: a recall must be noticed within a week.
const RECALLS_EVERY_S_MAX: u64 = 7 * 86_400;

/// A registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Its location.
    pub location: RegistryRef,
    /// A PEM file with the certificate authority of a private registry.
    pub ca_file: Option<PathBuf>,
    /// How the host authenticates; none: anonymously.
    pub auth: Option<RegistryAuth>,
    /// Whether the host sends publishers counts of failures of their packages.
    pub share_failure_counts: bool,
}

/// How the host authenticates to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryAuth {
    /// User name and password.
    Basic {
        /// The user.
        username: String,
        /// Name of the secret with the password.
        secret: String,
    },
    /// A bearer token.
    Token {
        /// Name of the secret with the token.
        secret: String,
    },
}

/// All registries and the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    /// By name.
    pub by_name: BTreeMap<String, RegistryConfig>,
    /// The one with `default = true`, or the only one.
    pub default: Option<String>,
}

/// What is trusted, besides the publishers' keys that the host stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustConfig {
    /// If true, a package from a file is accepted only if the same bytes were published, signed, in a registry.
    pub require_signature_for_files: bool,
}

/// How the host learns of recalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallsConfig {
    /// Seconds between two checks of the registries; 0: never.
    pub every_s: u64,
    /// Days after the publisher's signature after which a package's index is considered outdated; 0: never.
    pub list_max_age_days: u64,
}

impl RecallsConfig {
    /// Indexes that were signed before this time are outdated; none: never.
    #[must_use]
    pub fn lists_since(&self, now: Timestamp) -> Option<Timestamp> {
        let age_ms = self.list_max_age_days.saturating_mul(86_400_000);
        (age_ms > 0).then(|| Timestamp(now.0.saturating_sub(age_ms)))
    }
}

/// `[registries.NAME]`.
pub(super) fn registries(section: &Section<'_>, folder: &Path, secrets: &BTreeSet<String>) -> Registries {
    let mut registries = Registries::default();
    let mut first_default: Option<Field<'_>> = None;
    for (name, field) in section.entries() {
        if name.parse::<handoff_model::names::RooftopName>().is_err() {
            let expected = "1 to 63 lower-case letters, digits and inner hyphens";
            field.wrong_found(format!("the registry name {name:?}"), expected, "rename it, for example `main`");
            continue;
        }
        let Some(table) = field.section() else { continue };
        let location = table.required("url", "where the registry is", "url = \"https://registry.example.com\"");
        let location = location.and_then(|field| location_of(&field, folder));
        let ca_file = table.field("ca-file").and_then(|field| path(&field, folder));
        let auth_field = table.field("auth");
        let auth = auth_field.as_ref().and_then(|field| auth(field, secrets));
        let share_field = table.field("share-failure-counts");
        let share_failure_counts = share_field.as_ref().and_then(Field::boolean).unwrap_or(false);
        let default_field = table.field("default");
        let is_default = default_field.as_ref().and_then(Field::boolean).unwrap_or(false);
        table.finish();
        if let (Some(RegistryRef::Folder(_)), Some(field)) = (&location, auth_field.as_ref()) {
            field.wrong_found("authentication for a folder", "no `auth`: file permissions decide", "remove it");
        }
        if let (Some(RegistryRef::Folder(_)), Some(field)) = (&location, share_field.filter(|_| share_failure_counts)) {
            field.wrong_found("failure counts for a folder", "a registry's server, which keeps counts", "remove it");
        }
        if let Some(field) = default_field.filter(|_| is_default) {
            if first_default.is_some() {
                field.wrong_found("a second `default = true`", "one default registry", "keep it on one of them");
            }
            registries.default = Some(name.to_owned());
            first_default = Some(field);
        }
        if let Some(location) = location {
            registries
                .by_name
                .insert(name.to_owned(), RegistryConfig { location, ca_file, auth, share_failure_counts });
        }
    }
    if registries.default.is_none() && registries.by_name.len() == 1 {
        registries.default = registries.by_name.keys().next().cloned();
    }
    registries
}

/// `[trust]`.
pub(super) fn trust(section: &Section<'_>) -> TrustConfig {
    let required = section.field("require-signature-for-files").and_then(|field| field.boolean());
    section.finish();
    TrustConfig { require_signature_for_files: required.unwrap_or(false) }
}

/// `[recalls]`.
pub(super) fn recalls(section: &Section<'_>) -> RecallsConfig {
    let every_s = section.field("every-s").and_then(|field| field.integer(0..=RECALLS_EVERY_S_MAX));
    let days = section.field("list-max-age-days").and_then(|field| field.integer(0..=LIST_MAX_AGE_DAYS_MAX));
    section.finish();
    RecallsConfig { every_s: every_s.unwrap_or(RECALLS_EVERY_S), list_max_age_days: days.unwrap_or(0) }
}

/// Parses a registry's location: a URL, or the path of a folder, relative to `folder`.
///
/// # Errors
/// What was found, what was expected and what to do.
pub fn registry_location(text: &str, folder: &Path) -> Result<RegistryRef, (String, String, String)> {
    if !text.contains("://") {
        return Ok(RegistryRef::Folder(folder.join(text)));
    }
    let expected = "an https URL, or the path of a folder".to_owned();
    let wrong = |found: &str, advice: &str| Err((found.to_owned(), expected.clone(), advice.to_owned()));
    let Ok(url) = text.parse::<Url>() else {
        return wrong("a string that is not a URL", "write it like \"https://registry.example.com\"");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "a URL with a user or a password in it",
            "name the user in `auth`, and the secret in `[secrets.NAME]`",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("a URL with a query or a fragment", "remove everything from `?` or `#` on");
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return wrong("a URL without a host", "write it like \"https://registry.example.com\""),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => {
            return wrong(
                "an http URL to another machine",
                "use https: plain HTTP would expose the credentials; http is only for loopback addresses",
            );
        }
        _ => return wrong("a URL of another scheme", "write it like \"https://registry.example.com\""),
    }
    text.parse()
        .or_else(|_| wrong("a URL whose path is not a valid repository prefix", "use lower-case words, or no path"))
}

fn location_of(field: &Field<'_>, folder: &Path) -> Option<RegistryRef> {
    match registry_location(field.text()?, folder) {
        Ok(location) => Some(location),
        Err((found, expected, advice)) => {
            field.wrong_found(found, expected, advice);
            None
        }
    }
}

fn auth(field: &Field<'_>, secrets: &BTreeSet<String>) -> Option<RegistryAuth> {
    #[derive(Clone, Copy)]
    enum Kind {
        Basic,
        Token,
    }
    let table = field.section()?;
    let kind = table.required("kind", "the kind of authentication", "kind = \"basic\"");
    let kind = kind.and_then(|field| field.choice(&[("basic", Kind::Basic), ("token", Kind::Token)]));
    let username = table.field("username");
    let proof = table.required("secret", "the name of a secret", "secret = \"registry\"");
    let proof = proof.and_then(|field| secret(&field, secrets));
    table.finish();
    match (kind?, username) {
        (Kind::Basic, None) => {
            table.wrong("no `username`", "`username` with `kind = \"basic\"`", "add `username = \"…\"`");
            None
        }
        (Kind::Basic, Some(name)) => match name.text()? {
            text if text.contains(':') => {
                name.wrong("a name without a colon (RFC 7617 section 2)", "correct it");
                None
            }
            text => Some(RegistryAuth::Basic { username: text.to_owned(), secret: proof? }),
        },
        (Kind::Token, None) => Some(RegistryAuth::Token { secret: proof? }),
        (Kind::Token, Some(name)) => {
            name.wrong_found("a `username` with a token", "only `secret`", "remove it, or use `kind = \"basic\"`");
            None
        }
    }
}
