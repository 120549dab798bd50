//! The events that come in, as far as this connector reads them. Unknown fields pass. Must not interpret values.

use handoff_sdk::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// `com.handoff.lead.identified.v1`.
#[derive(Debug, Clone, Deserialize)]
pub struct IdentifiedLead {
    /// The canonical lead.
    pub lead: Lead,
    /// Whose it is.
    pub identity: Identity,
}

/// A canonical lead. What only travels on to the CRM stays JSON.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Stable id.
    pub lead_id: String,
    /// 1, and one more for each resend.
    #[serde(default = "one")]
    pub revision: u32,
    /// As the provider says.
    #[serde(default)]
    pub requested_at: Option<String>,
    /// Who sent it.
    #[serde(default)]
    pub provider: Option<Provider>,
    /// The person.
    #[serde(default)]
    pub customer: Customer,
    /// Cars.
    #[serde(default)]
    pub vehicles: Vec<Value>,
    /// Cars offered in exchange.
    #[serde(default)]
    pub trade_ins: Vec<Value>,
    /// Free text.
    #[serde(default)]
    pub comments: Option<String>,
}

fn one() -> u32 {
    1
}

/// A lead provider.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// Name.
    pub name: Option<String>,
}

/// The person behind a lead.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// Name in parts.
    pub name: Option<Value>,
    /// Addresses.
    pub emails: Vec<Value>,
    /// Numbers.
    pub phones: Vec<Value>,
    /// Postal address.
    pub address: Option<Value>,
    /// What the person wrote.
    pub comments: Option<String>,
}

/// What identity found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The customer.
    pub customer_id: String,
    /// `matched`, `created`, `review`.
    #[serde(default)]
    pub decision: String,
    /// The household.
    #[serde(default)]
    pub household_id: Option<String>,
    /// Closed channels.
    #[serde(default)]
    pub opt_out: OptOut,
}

/// Closed channels.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct OptOut {
    /// No calls.
    pub call: bool,
    /// No text messages.
    pub text: bool,
    /// No e-mail.
    pub email: bool,
}

/// `com.handoff.outbox.answered.v1`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// Of the request.
    pub key: String,
    /// `answered` or `failed`.
    pub outcome: String,
    /// HTTP status of an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// HTTP fields.
    #[serde(default)]
    pub headers: Option<Vec<(String, String)>>,
    /// Text of the answer.
    #[serde(default)]
    pub body: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

impl Answered {
    /// The id that the CRM gave the entry: `entryId` or `id` in the body, else the end of the `location` field.
    pub fn entry_id(&self) -> Option<String> {
        let body: Option<Value> = self.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        let given =
            body.as_ref().and_then(|body| body.get("entryId").or_else(|| body.get("id"))).and_then(|id| match id {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
        let located = || {
            let fields = self.headers.as_ref()?;
            let (_, url) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
            Some(url.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?.to_owned())
        };
        given.or_else(located).filter(|id| is_key_part(id))
    }
}

/// A webhook of the CRM.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// `call.first-contact`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The CRM's id of the entry; or `leadId`. A number is read too.
    #[serde(default)]
    pub entry_id: Option<Value>,
    /// Our id of the lead.
    #[serde(default)]
    pub lead_id: Option<String>,
    /// When the customer was contacted; absent means now.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Who.
    #[serde(default)]
    pub by: Option<String>,
    /// False for an automatic acknowledgement.
    #[serde(default)]
    pub human: bool,
    /// What came of it.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// `com.handoff.call.due.v1`, this connector's own timer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// The lead.
    pub lead_id: String,
    /// Level that is due, from 1.
    pub level: u32,
}

/// Ids become keys of state and outbox.
pub fn is_key_part(id: &str) -> bool {
    (1..=128).contains(&id.len()) && !id.chars().any(char::is_control)
}
