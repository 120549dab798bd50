//! The real `handoff` program under test: configured, started, used through its own command line and HTTP, killed,
//! restarted on the same data. It knows no connector's rules.

mod build;
mod cli;
mod config;
mod host;
mod http;
mod published;
mod settings;
mod wait;

pub use build::{bad_release, component, escape_package, handoff_binary, kept_folder, restamped, restamped_with};
pub use cli::CliOutput;
pub use config::HostConfig;
pub use host::{Builder, TestHost};
pub use http::{Answer, body_hmac, standard_webhook};
pub use settings::{bdc_list, bdc_list_at, identity, web_leads};
pub use wait::{SOON, eventually, eventually_within};

/// Signs webhooks to `web-leads`, as in its example settings.
pub const LEADS_SECRET: &str = "leads-hook-secret-for-tests-0123456789";
/// Signs webhooks to `bdc-list`: `whsec_` and Base64, as Standard Webhooks requires.
pub const CRM_HOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The bearer token of the control API over TCP.
pub const CONTROL_TOKEN: &str = "control-token-for-tests-0123456789";
/// The bearer token of `POST /events`, if a test requires one.
pub const EVENTS_TOKEN: &str = "events-token-for-tests-0123456789";
