//! The settings of the throw-away installation: those of the settings file, with targets, secrets and folders of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use handoff_package::Manifest;
use handoff_package::manifest::Verify;
use serde_json::{Value, json};
use url::Url;

use crate::commands::install;
use crate::exit::CliError;

/// The rooftop of the host.
pub(super) const ROOFTOP: &str = "main-street";

/// Settings for the host, and what its configuration has to define for them.
pub(super) struct DevSettings {
    /// The settings file as JSON.
    pub(super) settings: Value,
    /// Names of secrets.
    pub(super) secrets: BTreeSet<String>,
    /// Names of auth profiles.
    pub(super) auth: BTreeSet<String>,
    /// Names of watched folders.
    pub(super) folders: BTreeSet<String>,
    /// Where requests go to hosts that connector.toml names exactly.
    pub(super) stand_ins: BTreeMap<String, Url>,
}

impl DevSettings {
    /// Without a settings file, an empty config and all targets.
    pub(super) fn of(
        manifest: &Manifest,
        file: &Path,
        targets: &[(String, Url)],
        echo: SocketAddr,
    ) -> Result<Self, CliError> {
        let mut settings = if file.exists() { install::template(file)?.0 } else { from_manifest(manifest) };
        let mut new = Self {
            settings: Value::Null,
            secrets: BTreeSet::new(),
            auth: BTreeSet::new(),
            folders: BTreeSet::new(),
            stand_ins: BTreeMap::new(),
        };
        let fields = settings.as_object_mut().ok_or_else(|| CliError::invalid("the settings are no table"))?;
        fields.remove("group");
        fields.insert("rooftop".to_owned(), ROOFTOP.into());
        // What other rooftops share does not reach a host with one rooftop.
        fields.retain(|name, _| name != "share" && name != "accept-shared");
        let echo = Url::parse(&format!("http://{echo}")).map_err(|error| CliError::failed(error.to_string()))?;
        let mut origins = Vec::new();
        if let Some(grants) =
            fields.get_mut("grants").and_then(|grants| grants.get_mut("http")).and_then(Value::as_array_mut)
        {
            grants.iter_mut().for_each(|grant| new.redirect(manifest, grant, targets, &echo, &mut origins));
        }
        if let Some(config) = fields.get_mut("config") {
            replace_origins(config, &origins);
        }
        if let Some(hook) = fields.get("hook") {
            let names = match hook.get("secret") {
                Some(Value::String(name)) => vec![name.clone()],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            new.secrets.extend(names);
        }
        for folder in fields.get_mut("folders").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = folder.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(folder) = folder.as_object_mut() {
                folder.remove("archive");
                folder.insert("path".to_owned(), format!("folders/{name}").into());
                folder.insert("settle-ms".to_owned(), 100.into());
            }
            new.folders.insert(name);
        }
        new.settings = settings;
        Ok(new)
    }

    /// Points a grant at the echo, or at the URL that the developer gave.
    fn redirect(
        &mut self,
        manifest: &Manifest,
        grant: &mut Value,
        targets: &[(String, Url)],
        echo: &Url,
        origins: &mut Vec<(String, Url)>,
    ) {
        let name = grant.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let given = targets.iter().find(|(known, _)| *known == name).map(|(_, url)| url);
        let asked = manifest.http.iter().find(|target| target.name.to_string() == name);
        let to = given.unwrap_or(echo);
        let (Some(host), Some(fields)) = (to.host_str(), grant.as_object_mut()) else { return };
        self.auth.extend(profiles(fields.get("auth")));
        if let Some(exact) = asked.filter(|target| !target.host.is_any()) {
            // The connector writes the host's name itself, so the grant stays and the host redirects its requests.
            if given.is_none_or(|url| url.host_str() != Some(exact.host.as_str())) {
                self.stand_ins.insert(exact.host.to_string(), to.clone());
            }
            return;
        }
        if let Some(old) = fields.get("host").and_then(Value::as_str) {
            let port = fields.get("port").and_then(Value::as_u64).map(|port| format!(":{port}")).unwrap_or_default();
            origins.push((format!("{old}{port}"), to.clone()));
        }
        fields.insert("host".to_owned(), host.trim_matches(['[', ']']).into());
        fields.remove("port");
        if let Some(port) = to.port() {
            fields.insert("port".to_owned(), port.into());
        }
        fields.insert("plaintext".to_owned(), (to.scheme() == "http").into());
        fields.insert("private-addresses".to_owned(), true.into());
    }
}

/// The names of the auth profiles of a grant, in both of its forms.
fn profiles(auth: Option<&Value>) -> Vec<String> {
    let names: Vec<&Value> = match auth {
        Some(Value::Array(names)) => names.iter().collect(),
        Some(Value::Object(names)) => names.values().collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Settings for a connector without a settings file.
fn from_manifest(manifest: &Manifest) -> Value {
    let targets: Vec<Value> = manifest
        .http
        .iter()
        .map(|target| {
            let auth: Vec<String> = target.auth.iter().map(ToString::to_string).collect();
            json!({ "name": target.name.to_string(), "auth": auth })
        })
        .collect();
    let mut settings = json!({ "config": {}, "grants": { "http": targets } });
    let verify = manifest.hook.as_ref().and_then(|hook| hook.verify.first());
    let hook = match verify {
        Some(Verify::StandardWebhooks) => json!({ "verify": "standard-webhooks", "secret": "dev-hook" }),
        Some(Verify::BodyHmac) => {
            json!({ "verify": "body-hmac", "secret": "dev-hook", "header": "x-signature", "encoding": "hex" })
        }
        Some(Verify::Jwt) => json!({
            "verify": "jwt", "secret": "dev-hook", "issuer": "https://dev.example", "audience": "dev", "algorithms": ["HS256"],
        }),
        None => return settings,
    };
    settings["hook"] = hook;
    settings
}

/// In texts of the config that begin with the URL of a target, replaces its origin.
fn replace_origins(value: &mut Value, origins: &[(String, Url)]) {
    match value {
        Value::String(text) => {
            for (old, new) in origins {
                for scheme in ["https://", "http://"] {
                    let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(old.as_str()));
                    if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
                        *text = format!("{}{rest}", new.as_str().trim_end_matches('/'));
                        return;
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_origins(item, origins)),
        Value::Object(fields) => fields.values_mut().for_each(|item| replace_origins(item, origins)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a/b\"\nversion = \"1.0.0\"\ntitle = \"T\"\nsummary = \"S.\"\nlicense = \"MIT\"\n\
                            [events]\naccepts = [\"a.b\"]\n\
                            [[http]]\nname = \"crm\"\nhost = \"*\"\nmethods = [\"GET\"]\npaths = [\"/x\"]\nauth = [\"crm\"]\nwhy = \"W.\"\n\
                            [[http]]\nname = \"dms\"\nhost = \"dms.example\"\nmethods = [\"GET\"]\npaths = [\"/x\"]\nwhy = \"W.\"\n";

    #[test]
    fn targets_become_the_echo_and_secrets_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        let text = "rooftop = \"north\"\n[config]\ncrm-url = \"https://crm.example:8443/api\"\nother = \"https://crm.example.evil\"\n\
                    [hook]\nverify = \"standard-webhooks\"\nsecret = [\"new\", \"old\"]\n\
                    [[grants.http]]\nname = \"crm\"\nhost = \"crm.example\"\nport = 8443\nauth = { crm = \"crm-north\" }\n\
                    [[grants.http]]\nname = \"dms\"\n\
                    [[folders]]\nname = \"inbox\"\npath = \"/srv/leads\"\n";
        std::fs::write(&file, text).unwrap();
        let manifest = Manifest::from_toml(MANIFEST).unwrap();
        let dev = DevSettings::of(&manifest, &file, &[], "127.0.0.1:9000".parse().unwrap()).unwrap();
        let settings = &dev.settings;
        assert_eq!(settings["rooftop"], ROOFTOP);
        assert_eq!(settings["config"]["crm-url"], "http://127.0.0.1:9000/api");
        assert_eq!(settings["config"]["other"], "https://crm.example.evil");
        let grants = settings["grants"]["http"].as_array().unwrap();
        assert_eq!((&grants[0]["host"], &grants[0]["port"]), (&"127.0.0.1".into(), &9000.into()));
        assert_eq!((&grants[1]["name"], grants[1].get("host")), (&"dms".into(), None));
        assert_eq!(dev.stand_ins["dms.example"].as_str(), "http://127.0.0.1:9000/");
        assert_eq!(settings["folders"][0]["path"], "folders/inbox");
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!((names(&dev.secrets), names(&dev.auth)), ("new old".to_owned(), "crm-north".to_owned()));
        let given = [("dms".to_owned(), Url::parse("https://dms.example").unwrap())];
        let dev = DevSettings::of(&manifest, &file, &given, "127.0.0.1:9000".parse().unwrap()).unwrap();
        assert!(dev.stand_ins.is_empty(), "the real one is meant: {:?}", dev.stand_ins);
        let other = [("dms".to_owned(), Url::parse("http://127.0.0.1:9001").unwrap())];
        let dev = DevSettings::of(&manifest, &file, &other, "127.0.0.1:9000".parse().unwrap()).unwrap();
        assert_eq!(dev.stand_ins["dms.example"].as_str(), "http://127.0.0.1:9001/");
    }
}
