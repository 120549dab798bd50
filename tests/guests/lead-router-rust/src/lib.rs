//! Assigns each lead to its owner and reminds of those that nobody took: config, state, look-up, timer and outbox request.
//! The connectors in JavaScript and Python beside it have the same effects, byte for byte.

use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, OutboxRequest, Request};
use serde::{Deserialize, Serialize};

/// The installation's config.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// List that leads without an owner go to.
    pub list: String,
    /// URL of the CRM's leads.
    pub crm_url: String,
    /// Minutes until a lead that nobody took is escalated.
    pub escalate_after_minutes: u64,
}

/// Data of `com.example.lead.received.v1`.
#[derive(Deserialize)]
struct Received {
    id: String,
    name: String,
    /// A number of another system, longer than a `double` holds.
    reference: u64,
}

/// What the CRM says of a lead.
#[derive(Deserialize)]
struct Known {
    owner: Option<String>,
}

/// State under `lead/ID`, and data of `com.example.lead.routed.v1`.
#[derive(Serialize, Deserialize)]
struct Routed {
    id: String,
    name: String,
    reference: u64,
    owner: String,
    at: u64,
    answered: bool,
}

/// State of schema 1.
#[derive(Deserialize)]
struct OldRouted {
    id: String,
    reference: u64,
}

#[derive(Serialize, Deserialize)]
struct LeadId {
    id: String,
}

#[derive(Serialize)]
struct Assignment<'a> {
    owner: &'a str,
    name: &'a str,
}

/// The connector.
pub struct LeadRouter;

impl Connector for LeadRouter {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            "com.example.lead.received.v1" => route(cx, &event.json()?),
            "com.example.lead.overdue.v1" => escalate(cx, &event.json()?),
            "com.handoff.outbox.answered.v1" => answered(cx, event),
            other => Err(cx.unexpected_type(other)),
        }
    }

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        if cx.config().list.is_empty() {
            return Err(Failure::misconfigured("config field `list` is empty; expected the name of a list"));
        }
        Ok(())
    }

    fn migrate(cx: &Context<'_, Config>, from_schema: u32) -> Result<(), Failure> {
        let old: Vec<(String, OldRouted)> = cx.state().scan_json("lead/").collect::<Result<_, _>>()?;
        for (key, OldRouted { id, reference }) in old {
            let (name, owner) = (String::new(), cx.config().list.clone());
            let at = cx.now().as_millis();
            cx.state().set(&key, &Routed { id, name, reference, owner, at, answered: false })?;
        }
        cx.info("migrated", &[("from", &from_schema.to_string())]);
        Ok(())
    }
}

fn route(cx: &Context<'_, Config>, lead: &Received) -> Result<(), Failure> {
    let key = format!("lead/{}", lead.id);
    if cx.state().get_bytes(&key)?.is_some() {
        cx.counter("leads-repeated", 1, &[]);
        return Ok(());
    }
    let url = format!("{}/{}", cx.config().crm_url, lead.id);
    let response = cx.fetch(Request::get(&url).header("accept", "application/json"))?;
    let owner = match response.status {
        200 => response.json::<Known>()?.owner,
        404 => None,
        status => return Err(Failure::retry("crm-unavailable", format!("the CRM answered with status {status}"))),
    };
    let routed = Routed {
        id: lead.id.clone(),
        name: lead.name.clone(),
        reference: lead.reference,
        owner: owner.unwrap_or_else(|| cx.config().list.clone()),
        at: cx.now().as_millis(),
        answered: false,
    };
    cx.state().set(&key, &routed)?;
    let event = NewEvent::json("com.example.lead.routed.v1", &routed)?;
    cx.emit(event.subject(&lead.id).partition_key(&lead.id).extension("list", &cx.config().list))?;
    let overdue = NewEvent::json("com.example.lead.overdue.v1", &LeadId { id: lead.id.clone() })?;
    let at = cx.now().plus_minutes(cx.config().escalate_after_minutes);
    cx.schedule(&format!("overdue/{}", lead.id), at, overdue.partition_key(&lead.id))?;
    let assignment = Assignment { owner: &routed.owner, name: &routed.name };
    let request = Request::post(&url).header("x-lead", &lead.id).json(&assignment)?.timeout_ms(3000);
    cx.send(OutboxRequest::new(format!("assign-{}", lead.id), request).answer(true).partition_key(&lead.id))?;
    cx.counter("leads-routed", 1, &[("list", &cx.config().list)]);
    cx.histogram("lead-name-bytes", f64::from(u32::try_from(lead.name.len()).unwrap_or(u32::MAX)), &[]);
    cx.info("routed a lead", &[("lead", &lead.id)]);
    Ok(())
}

fn escalate(cx: &Context<'_, Config>, overdue: &LeadId) -> Result<(), Failure> {
    let routed: Option<Routed> = cx.state().get(&format!("lead/{}", overdue.id))?;
    if let Some(lead) = routed.filter(|lead| !lead.answered) {
        let data = serde_json::json!({ "id": lead.id, "token": hex(&cx.random::<8>()) });
        cx.emit(NewEvent::json("com.example.lead.escalated.v1", &data)?.subject(&overdue.id))?;
        cx.counter("leads-escalated", 1, &[]);
    }
    Ok(())
}

fn answered(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let subject = event.subject.as_deref().unwrap_or_default();
    let Some(id) = subject.strip_prefix("assign-") else {
        return Err(Failure::reject("unknown-answer", "the answer is to no request of this connector"));
    };
    let key = format!("lead/{id}");
    if let Some(mut lead) = cx.state().get::<Routed>(&key)? {
        lead.answered = true;
        cx.state().set(&key, &lead)?;
        cx.cancel(&format!("overdue/{id}"))?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

handoff_sdk::export!(LeadRouter);
