//! Config of the installation, with defaults. It does not read state or events.

use handoff_sdk::Failure;
use serde::Deserialize;

use crate::hours::{Hours, HoursConfig};

/// Maximum number of escalation levels of a call.
const ESCALATIONS_MAX: usize = 10;

/// The operator's config. Unknown fields are refused, so that typing errors are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the CRM's API, for example `https://crm.mainstreet.example/api`; `/call-list/entries` is added.
    pub crm_url: String,
    /// Name of the auth profile for the CRM; if absent, requests have no credentials.
    #[serde(default)]
    pub auth: Option<String>,
    /// Routing rules in order; the first that matches sets the queue.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Queue of a lead that matches no rule.
    #[serde(default = "default_queue")]
    pub default_queue: String,
    /// Team of the default queue.
    #[serde(default)]
    pub default_team: Option<String>,
    /// Who is notified if the customer was not called in time, in order.
    #[serde(default = "default_escalations")]
    pub escalations: Vec<Escalation>,
    /// Count `after-minutes` in business hours (true) or around the clock.
    #[serde(default = "yes")]
    pub only_business_hours: bool,
    /// Business hours of the BDC, in the rooftop's time zone.
    #[serde(default)]
    pub business_hours: HoursConfig,
}

/// A routing rule: present fields must match, absent ones match everything. Texts are compared case-insensitively.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Route {
    /// Queue for the lead.
    pub queue: String,
    /// Team that calls.
    #[serde(default)]
    pub team: Option<String>,
    /// Interest in the first vehicle: `buy`, `lease`, `sell`, `trade-in`, `test-drive`.
    #[serde(default)]
    pub interest: Vec<String>,
    /// `new` or `used`.
    #[serde(default)]
    pub condition: Option<String>,
    /// Makes of the first vehicle.
    #[serde(default)]
    pub make: Vec<String>,
    /// Prefixes of the customer's postal code.
    #[serde(default)]
    pub zip: Vec<String>,
    /// Names of lead providers.
    #[serde(default)]
    pub provider: Vec<String>,
}

/// One escalation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Escalation {
    /// Minutes since the lead was received.
    pub after_minutes: u32,
    /// Recipient, as the CRM names it.
    pub to: String,
}

fn default_queue() -> String {
    "bdc".to_owned()
}

fn yes() -> bool {
    true
}

fn default_escalations() -> Vec<Escalation> {
    [(15, "bdc-lead"), (60, "sales-manager")]
        .map(|(after_minutes, to)| Escalation { after_minutes, to: to.to_owned() })
        .into()
}

impl Config {
    /// # Errors
    /// Misconfigured: names the field, its value and what was expected.
    pub fn validate(&self) -> Result<(), Failure> {
        let refuse = |text: String| Err(Failure::misconfigured(text));
        let url = &self.crm_url;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty() || rest.starts_with('/') || url.bytes().any(|b| b <= b' ' || matches!(b, b'?' | b'#' | b'@'))
        {
            return refuse(format!(
                "`crm-url` holds `{url}`: expected an absolute URL without query, such as `https://crm.mainstreet.example/api`."
            ));
        }
        if rest.trim_end_matches('/').matches('/').count() > 2 {
            return refuse(format!(
                "`crm-url` holds `{url}`: expected at most two path segments, because the manifest's paths allow no more."
            ));
        }
        if self.default_queue.trim().is_empty() || self.routes.iter().any(|route| route.queue.trim().is_empty()) {
            return refuse("`default-queue` and every `routes.queue` must name a queue; one is empty.".to_owned());
        }
        for route in &self.routes {
            if let Some(condition) =
                route.condition.as_deref().filter(|condition| !matches!(*condition, "new" | "used"))
            {
                return refuse(format!("`routes.condition` holds `{condition}`: expected `new` or `used`."));
            }
        }
        let ascending = self
            .escalations
            .windows(2)
            .all(|pair| matches!(pair, [first, second] if first.after_minutes < second.after_minutes));
        let in_range = self
            .escalations
            .iter()
            .all(|level| (1..=43_200).contains(&level.after_minutes) && !level.to.trim().is_empty());
        if !ascending || !in_range || self.escalations.len() > ESCALATIONS_MAX {
            return refuse(format!(
                "`escalations` must have at most {ESCALATIONS_MAX} levels with ascending `after-minutes` (1 to 43200) and a `to`."
            ));
        }
        Hours::parse(&self.business_hours).map(drop).map_err(Failure::misconfigured)
    }

    /// The parsed hours.
    ///
    /// # Errors
    /// Misconfigured, as in `validate`.
    pub fn hours(&self) -> Result<Hours, Failure> {
        Hours::parse(&self.business_hours).map_err(Failure::misconfigured)
    }

    /// URL of the call list, and of one entry and what is below it. Ids come from the CRM and are percent-encoded.
    pub fn entries_url(&self, below: &[&str]) -> String {
        let mut url = format!("{}/call-list/entries", self.crm_url.trim_end_matches('/'));
        for segment in below {
            url.push('/');
            for byte in segment.bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                    url.push(char::from(byte));
                } else {
                    url.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        url
    }
}
