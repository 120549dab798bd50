//! The incoming events, as far as this connector reads them. Unknown fields are ignored. It does not interpret values.

use handoff_sdk::Timestamp;
use handoff_sdk::events::OutboxAnswered;
use serde::Deserialize;
use serde_json::Value;

/// `com.handoff.lead.identified.v1`.
#[derive(Debug, Clone, Deserialize)]
pub struct IdentifiedLead {
    /// The canonical lead.
    pub lead: Lead,
    /// Its customer.
    pub identity: Identity,
}

/// A canonical lead. Parts that are only passed on to the CRM stay JSON.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Stable id.
    pub lead_id: String,
    /// 1, plus one for each resend.
    #[serde(default = "one")]
    pub revision: u32,
    /// When the customer made the request, as stated by the provider.
    #[serde(default)]
    pub requested_at: Option<String>,
    /// The provider.
    #[serde(default)]
    pub provider: Option<Provider>,
    /// The customer.
    #[serde(default)]
    pub customer: Customer,
    /// Vehicles.
    #[serde(default)]
    pub vehicles: Vec<Value>,
    /// Trade-ins.
    #[serde(default)]
    pub trade_ins: Vec<Value>,
    /// Comments.
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

/// The customer of a lead.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Customer {
    /// Name in parts.
    pub name: Option<Value>,
    /// Addresses.
    pub emails: Vec<Value>,
    /// Numbers.
    pub phones: Vec<Value>,
    /// Postal address.
    pub address: Option<Value>,
    /// The customer's comments.
    pub comments: Option<String>,
    /// Channels that the customer refuses in this lead: `call`, `text`, `email`.
    pub refuses_contact_by: Vec<String>,
}

/// The result of the identity connector.
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
    /// Opt-outs.
    #[serde(default)]
    pub opt_out: OptOut,
}

/// Opt-outs by channel.
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

/// The CRM's id of the entry: `entryId` or `id` in the body, otherwise the end of the `location` field.
pub fn entry_id(answer: &OutboxAnswered) -> Option<String> {
    let body: Option<Value> = answer.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    let given = body.as_ref().and_then(|body| body.get("entryId").or_else(|| body.get("id"))).and_then(|id| match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let located = || {
        let (_, url) = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
        Some(url.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?.to_owned())
    };
    given.or_else(located).filter(|id| is_key_part(id))
}

/// A webhook of the CRM.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// `call.first-contact`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The CRM's id of the entry; or `leadId`. Numbers are accepted too.
    #[serde(default)]
    pub entry_id: Option<Value>,
    /// Our lead id.
    #[serde(default)]
    pub lead_id: Option<String>,
    /// Time of the contact; the default is now.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// The person who made the contact.
    #[serde(default)]
    pub by: Option<String>,
    /// False for an automatic acknowledgement.
    #[serde(default)]
    pub human: bool,
    /// Outcome of the contact.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// Whether an id can be part of keys of state and outbox.
pub fn is_key_part(id: &str) -> bool {
    (1..=128).contains(&id.len()) && !id.chars().any(char::is_control)
}
