//! The requests of a manifest, in the form against which grants are resolved.

use std::collections::BTreeSet;

use handoff_package::Manifest;
use handoff_package::manifest::{EventType, HttpTarget, Verify};

/// The parts of a manifest that grants need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Event types that it accepts.
    pub accepts: BTreeSet<String>,
    /// Event types that it emits.
    pub emits: BTreeSet<String>,
    /// Verification kinds that it supports; none: it accepts no webhooks.
    pub hook_verify: Option<Vec<String>>,
    /// Targets.
    pub http: Vec<HttpAsk>,
}

/// One target of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAsk {
    /// Name that grants refer to.
    pub name: String,
    /// An exact host, or `*`: the operator names it.
    pub host: String,
    /// Methods, upper-case.
    pub methods: BTreeSet<String>,
    /// Path patterns.
    pub paths: Vec<String>,
    /// Paths that may be requested with an unsafe method.
    pub look_ups: Vec<String>,
    /// Auth profiles.
    pub auth: BTreeSet<String>,
    /// Config fields that hold URLs of it.
    pub config_urls: BTreeSet<String>,
    /// Purpose, for people.
    pub why: String,
}

impl From<&Manifest> for Asks {
    fn from(manifest: &Manifest) -> Self {
        let texts = |types: &[EventType]| types.iter().map(ToString::to_string).collect();
        let verify = |verify: &Verify| match verify {
            Verify::StandardWebhooks => "standard-webhooks".to_owned(),
            Verify::BodyHmac => "body-hmac".to_owned(),
            Verify::Jwt => "jwt".to_owned(),
        };
        Self {
            accepts: texts(&manifest.events.accepts),
            emits: texts(&manifest.events.emits),
            hook_verify: manifest.hook.as_ref().map(|hook| hook.verify.iter().map(verify).collect()),
            http: manifest.http.iter().map(HttpAsk::from).collect(),
        }
    }
}

impl From<&HttpTarget> for HttpAsk {
    fn from(target: &HttpTarget) -> Self {
        Self {
            name: target.name.to_string(),
            host: target.host.to_string(),
            methods: target.methods.iter().map(|method| method.as_str().to_owned()).collect(),
            paths: target.paths.iter().map(ToString::to_string).collect(),
            look_ups: target.look_ups.iter().map(ToString::to_string).collect(),
            auth: target.auth.iter().map(ToString::to_string).collect(),
            config_urls: target.config_urls.iter().map(ToString::to_string).collect(),
            why: target.why.to_string(),
        }
    }
}
