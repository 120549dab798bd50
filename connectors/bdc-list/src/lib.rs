//! BDC list: puts identified leads on the CRM's call list, watches the response time, escalates, and closes the call
//! when a person has contacted the customer. It does not call, text or mail anybody, and it holds no credentials.
//!
//! # Layout
//! `input` (incoming events) → `entry` (data for the CRM) → `machine` (states) → `effects` (requests, events, timers).
//! `hours` computes business hours.

pub mod config;
pub mod effects;
pub mod entry;
pub mod hours;
pub mod input;
pub mod machine;

use handoff_sdk::events::{
    CALL_DUE, CallDue, HOOK_RECEIVED, LEAD_IDENTIFIED, OUTBOX_ANSWERED, OutboxAnswered, OutboxOutcome,
};
use handoff_sdk::{Connector, Context, Event, Failure};
use serde_json::Value;

use crate::{
    config::Config,
    effects::{apply, due_at, waiting_key},
    input::{Hook, IdentifiedLead, entry_id, is_key_part},
    machine::{Call, Contact, Refusal, Reply},
};

/// The connector.
pub struct BdcList;

impl Connector for BdcList {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            LEAD_IDENTIFIED => lead(cx, event),
            OUTBOX_ANSWERED => answered(cx, event),
            HOOK_RECEIVED => hook(cx, event),
            CALL_DUE => due(cx, event),
            other => Err(cx.unexpected_type(other)),
        }
    }

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        cx.config().validate()
    }
}

handoff_sdk::export!(BdcList);

fn lead(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let identified: IdentifiedLead = event.json()?;
    let lead_id = identified.lead.lead_id.as_str();
    if !is_key_part(lead_id) {
        return Err(Failure::reject(
            "lead-id-invalid",
            "`lead.leadId` must have 1 to 128 bytes without control characters.",
        ));
    }
    // The clock starts when the dealer received the lead, not when this connector handles it; a time in the future is
    // replaced by now.
    let received_at = event.time.map_or(cx.now(), |time| time.min(cx.now()));
    let entry = entry::entry(&identified, cx.config(), received_at);
    let received = (received_at, cx.delivery().utc_offset_seconds);
    let (call, effects) = match load(cx, lead_id)? {
        None => Call::open(entry, received),
        Some(mut call) => {
            let effects = call.update(entry, received);
            (call, effects)
        }
    };
    store(cx, &call)?;
    apply(cx, &call, effects)
}

fn answered(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let answer: OutboxAnswered = event.json()?;
    let unknown = || Failure::reject("answer-unknown", "`key` is not a key of this connector's requests.");
    let (operation, rest) = answer.key.split_once('/').ok_or_else(unknown)?;
    let (lead_part, number) = rest.rsplit_once('/').ok_or_else(unknown)?;
    let number: u32 = number.parse().map_err(|_| unknown())?;
    let (operation, lead_id) = match operation {
        "list" => ("list", lead_part),
        "update" => ("update", lead_part),
        "escalate" => ("escalate", lead_part.rsplit_once('/').ok_or_else(unknown)?.0),
        _ => return Err(unknown()),
    };
    let Some(mut call) = load(cx, lead_id)? else { return Err(unknown()) };
    let refusal = refusal(operation, &answer);
    let effects = match (operation, refusal) {
        ("list", refusal) => {
            cx.state().delete(&waiting_key(lead_id))?;
            let missing = Refusal { operation: "list", code: "answer-without-entry-id", status: answer.status };
            let reply = match (refusal, entry_id(&answer)) {
                (Some(refusal), _) => Reply::Refused(refusal),
                (None, Some(entry_id)) => Reply::Taken(entry_id),
                (None, None) => Reply::Refused(missing),
            };
            call.answer_listing(number, reply)
        }
        (_, Some(refusal)) => vec![machine::Effect::SayRefused(refusal)],
        (_, None) => vec![machine::Effect::Ignored("the CRM accepted the request")],
    };
    store(cx, &call)?;
    apply(cx, &call, effects)
}

fn refusal(operation: &'static str, answer: &OutboxAnswered) -> Option<Refusal> {
    let code = match answer.status {
        _ if answer.outcome != OutboxOutcome::Answered => "crm-unreachable",
        Some(200..=299) => return None,
        Some(401 | 403) => "crm-denied",
        Some(404 | 410) => "crm-not-found",
        Some(409) => "crm-conflict",
        Some(300..=399) => "crm-redirected",
        _ => "crm-refused",
    };
    Some(Refusal { operation, code, status: answer.status })
}

fn hook(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let hook: Hook = event.json()?;
    if hook.kind != "call.first-contact" {
        cx.counter("hooks-ignored", 1, &[]);
        cx.info("ignored a webhook of an unused type", &[("type", &hook.kind.chars().take(80).collect::<String>())]);
        return Ok(());
    }
    let mut call = addressed_call(cx, &hook)?;
    let at = hook.at.unwrap_or(cx.now());
    let clamped = at.clamp(call.received_at.min(cx.now()), cx.now());
    if at != clamped {
        cx.warn(
            "the contact's time is before the lead or in the future: the nearest possible time is used",
            &[("lead", &call.entry.lead_id)],
        );
    }
    let cut = |text: Option<String>| text.map(|text| text.chars().take(200).collect());
    let effects =
        call.contact(Contact { at: clamped, human: hook.human, by: cut(hook.by), outcome: cut(hook.outcome) });
    store(cx, &call)?;
    apply(cx, &call, effects)
}

/// The call of a webhook. An entry that no answer has named yet may belong to a listing request in flight: retry then.
fn addressed_call(cx: &Context<'_, Config>, hook: &Hook) -> Result<Call, Failure> {
    let entry_id = hook.entry_id.as_ref().and_then(|id| match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    if let Some(lead_id) = hook.lead_id.as_deref().filter(|id| is_key_part(id)) {
        return load(cx, lead_id)?.ok_or_else(|| Failure::reject("lead-unknown", "`leadId` is not on the call list."));
    }
    let Some(entry_id) = entry_id.filter(|id| is_key_part(id)) else {
        return Err(Failure::reject("hook-names-no-call", "expected `leadId` or `entryId`, 1 to 128 bytes."));
    };
    if let Some(lead_id) = cx.state().get::<String>(&format!("entry/{entry_id}"))?
        && let Some(call) = load(cx, &lead_id)?
    {
        return Ok(call);
    }
    if cx.state().scan("waiting/").next().transpose()?.is_some() {
        let message = "`entryId` is unknown, but some listing requests have no answer yet: it may be one of those.";
        return Err(Failure::retry("entry-not-known-yet", message).after_ms(5_000));
    }
    Err(Failure::reject("entry-unknown", "`entryId` belongs to no lead on the call list."))
}

fn due(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let due: CallDue = event.json()?;
    if !is_key_part(&due.lead_id) {
        return Err(Failure::reject("lead-unknown", "`leadId` is not on the call list."));
    }
    let Some(mut call) = load(cx, &due.lead_id)? else {
        cx.debug("ignored the timer of a call that no longer exists", &[("lead", &due.lead_id)]);
        return Ok(());
    };
    // No due time: the level was removed from the config.
    let Some(at) = due_at(cx, &call, due.level)? else { return Ok(()) };
    let effects = call.due(due.level, cx.now() >= at);
    store(cx, &call)?;
    apply(cx, &call, effects)
}

fn load(cx: &Context<'_, Config>, lead_id: &str) -> Result<Option<Call>, Failure> {
    Ok(cx.state().get(&format!("call/{lead_id}"))?)
}

fn store(cx: &Context<'_, Config>, call: &Call) -> Result<(), Failure> {
    Ok(cx.state().set(&format!("call/{}", call.entry.lead_id), call)?)
}
