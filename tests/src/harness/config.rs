//! Writes a host's `handoff.toml` and its secrets into a folder.

use std::fs;
use std::path::Path;

use crate::simulators::crm::{API_KEY, API_KEY_HEADER};

/// Options of a test's host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Address for webhooks and events.
    pub ingress_port: u16,
    /// The control API over TCP.
    pub control_port: u16,
    /// Whether `POST /events` requires a token.
    pub events_token: bool,
    /// Default retries and breakers instead of fast ones.
    pub as_shipped: bool,
    /// Further sections.
    pub more: String,
    /// Further lines of `[ingress]` and its tables.
    pub ingress: String,
    /// Further lines of `[limits.engine]`.
    pub engine: String,
}

/// Retries and breakers fast enough for tests; everything else has production defaults.
const FAST: &str = "[hosts.\"*\"]\nfailures-to-open = 5\nopen-ms = 300\n\n[limits.engine]\nretry-base-ms = 50\nretry-cap-ms = 1000\noutbox-retry-base-ms = 50\noutbox-retry-cap-ms = 500\noutbox-max-attempts = 1000\n";

impl HostConfig {
    pub(super) fn write(&self, folder: &Path) {
        let secrets = [
            ("leads-hook", super::LEADS_SECRET),
            ("crm-hook", super::CRM_HOOK_SECRET),
            ("control-token", super::CONTROL_TOKEN),
            ("events-token", super::EVENTS_TOKEN),
            ("crm-key", API_KEY),
        ];
        fs::create_dir_all(folder.join("secrets")).expect("a folder for secrets");
        let mut text = format!(
            "[host]\ndata = \"data\"\n\n[control]\nlisten = \"127.0.0.1:{}\"\ntoken-secret = \"control-token\"\n
[rooftops.main-street]\ntime-zone = \"America/Chicago\"\ntitle = \"Main Street Motors\"\n
[auth.crm]\nkind = \"api-key\"\nheader = \"{API_KEY_HEADER}\"\nsecret = \"crm-key\"\n\n{}{}\n",
            self.control_port,
            if self.as_shipped { "[limits.engine]\n" } else { FAST },
            self.engine
        );
        for (name, secret) in secrets {
            let path = folder.join("secrets").join(name);
            fs::write(&path, secret).expect("a secret");
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
            text.push_str(&format!("[secrets.{name}]\nfile = \"secrets/{name}\"\n"));
        }
        let token = if self.events_token { "events-token-secret = \"events-token\"\n" } else { "" };
        text.push_str(&format!(
            "\n[ingress]\nlisten = \"127.0.0.1:{}\"\n{token}{}\n{}\n",
            self.ingress_port, self.ingress, self.more
        ));
        // A slow machine must not roll back an upgrade in an unrelated test.
        if !self.more.contains("[probation]") {
            text.push_str("[probation]\nenabled = false\n");
        }
        fs::write(folder.join("handoff.toml"), text).expect("handoff.toml");
    }
}
