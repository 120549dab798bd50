//! Packages, keys and times for tests.

use crate::{Author, Submission};
use bytes::Bytes;
use handoff_package::index::Seen;
use handoff_package::manifest::{PackageName, Version};
use handoff_package::trust::{SigningKey, TrustList};
use handoff_package::{Manifest, package};

pub(super) const NOW_MS: u64 = 1_795_329_234_000;

/// A stamped component of `acme/leads`.
pub(super) fn component(version: &str, title: &str) -> Bytes {
    let toml = format!(
        "[package]\nname='acme/leads'\nversion='{version}'\ntitle='{title}'\nsummary='Reads leads.'\nlicense='MIT'\n[events]\naccepts=['com.x']"
    );
    let manifest = Manifest::from_toml(&toml).unwrap();
    let empty = wasm_encoder::Component::new().finish();
    Bytes::from(package::stamp(&empty, &manifest, "handoff:connector@1.0.0").unwrap())
}

pub(super) fn submission(version: &str) -> Submission {
    Submission {
        component: component(version, "Leads"),
        readme: Some("# Leads\n".to_owned()),
        changes: Some(format!("What is new in {version}\n\nMuch.")),
    }
}

pub(super) fn name() -> PackageName {
    "acme/leads".parse().unwrap()
}

pub(super) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// A publisher and a host that trusts it.
pub(super) struct Acme {
    pub(super) key: SigningKey,
    pub(super) trust: TrustList,
}

impl Acme {
    pub(super) fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        let mut trust = TrustList::default();
        trust.add(&"acme".parse().unwrap(), key.public(), NOW_MS).unwrap();
        Self { key, trust }
    }

    pub(super) fn author<'a>(&'a self, seen: Option<&'a Seen>) -> Author<'a> {
        Author { key: &self.key, trust: &self.trust, seen, at_ms: NOW_MS }
    }
}
