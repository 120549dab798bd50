//! Applies the decisions of the state machine: requests, events, timers, metrics. It decides nothing.

use handoff_sdk::events::{CALL_CLOSED, CALL_DUE, CALL_ESCALATED, CALL_LISTED, CALL_REFUSED, CallDue};
use handoff_sdk::{Context, Failure, NewEvent, OutboxRequest, Request, Timestamp};
use serde_json::{Value, json};

use crate::{
    config::Config,
    machine::{Call, Contact, Effect, Refusal},
};

/// Applies effects in order.
///
/// # Errors
/// State, outbox and config errors.
pub fn apply(cx: &Context<'_, Config>, call: &Call, effects: Vec<Effect>) -> Result<(), Failure> {
    let lead_id = call.entry.lead_id.as_str();
    for effect in effects {
        match effect {
            Effect::List => {
                cx.state().set(&waiting_key(lead_id), &call.entry.revision)?;
                let request = request(cx, Request::post(cx.config().entries_url(&[]))).json(&call.entry)?;
                send(cx, lead_id, format!("list/{lead_id}/{}", call.entry.revision), request)?;
            }
            Effect::Update => {
                let Some(entry_id) = &call.entry_id else { continue };
                let request = request(cx, Request::put(cx.config().entries_url(&[entry_id]))).json(&call.entry)?;
                send(cx, lead_id, format!("update/{lead_id}/{}", call.entry.revision), request)?;
            }
            Effect::Escalate(level) => {
                let Some(entry_id) = &call.entry_id else { continue };
                let body = json!({ "leadId": lead_id, "level": level, "to": recipient(cx, level), "at": cx.now() });
                let request =
                    request(cx, Request::post(cx.config().entries_url(&[entry_id, "escalations"]))).json(&body)?;
                // A call that was withdrawn and reopened has a new clock and new escalations.
                send(cx, lead_id, format!("escalate/{lead_id}/{}/{level}", call.received_at.as_millis()), request)?;
            }
            Effect::Listed { announce } => listed(cx, call, announce)?,
            Effect::SayRefused(refusal) => refused(cx, call, &refusal)?,
            Effect::SayEscalated(level) => escalated(cx, call, level)?,
            Effect::SayClosed { reason, contact } => closed(cx, call, &reason, contact.as_ref())?,
            Effect::SetTimer => set_timer(cx, call)?,
            Effect::CancelTimer => cx.cancel(&timer_key(lead_id))?,
            Effect::AutoAck => {
                cx.counter("auto-acknowledgements", 1, &[]);
                cx.info("an automatic acknowledgement does not stop the clock", &[("lead", lead_id)]);
            }
            Effect::Ignored(why) => cx.debug("nothing to do", &[("lead", lead_id), ("why", why)]),
        }
    }
    Ok(())
}

/// Due time of level `level` (from 1), with today's offset from UTC.
///
/// # Errors
/// Invalid business hours.
pub fn due_at(cx: &Context<'_, Config>, call: &Call, level: u32) -> Result<Option<Timestamp>, Failure> {
    let Some(step) = escalation(cx.config(), level) else { return Ok(None) };
    let minutes = u64::from(step.after_minutes);
    if !cx.config().only_business_hours {
        return Ok(Some(call.received_at.plus_minutes(minutes)));
    }
    let hours = cx.config().hours()?;
    Ok(Some(hours.after_seconds(
        (call.received_at, call.received_offset_seconds),
        minutes * 60,
        cx.delivery().utc_offset_seconds,
    )))
}

/// `waiting/<leadId>`: a listing request without an answer.
pub fn waiting_key(lead_id: &str) -> String {
    format!("waiting/{lead_id}")
}

fn timer_key(lead_id: &str) -> String {
    format!("due/{lead_id}")
}

fn escalation(config: &Config, level: u32) -> Option<&crate::config::Escalation> {
    config.escalations.get(usize::try_from(level.checked_sub(1)?).ok()?)
}

fn recipient<'a>(cx: &'a Context<'_, Config>, level: u32) -> Option<&'a str> {
    escalation(cx.config(), level).map(|step| step.to.as_str())
}

fn request(cx: &Context<'_, Config>, request: Request) -> Request {
    match &cx.config().auth {
        Some(profile) => request.auth(profile.as_str()),
        None => request,
    }
}

fn send(cx: &Context<'_, Config>, lead_id: &str, key: String, request: Request) -> Result<(), Failure> {
    Ok(cx.send(OutboxRequest::new(key, request).answer(true).partition_key(lead_id))?)
}

fn emit(cx: &Context<'_, Config>, call: &Call, type_name: &str, more: Value) -> Result<(), Failure> {
    let mut data =
        json!({ "leadId": call.entry.lead_id, "customerId": call.entry.customer_id, "queue": call.entry.queue });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        call.entry_id.iter().for_each(|id| drop(data.insert("entryId".to_owned(), json!(id))));
        data.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Ok(cx.emit(
        NewEvent::json(type_name, &data)?
            .subject(call.entry.lead_id.as_str())
            .partition_key(call.entry.lead_id.as_str()),
    )?)
}

fn listed(cx: &Context<'_, Config>, call: &Call, announce: bool) -> Result<(), Failure> {
    if let Some(entry_id) = &call.entry_id {
        cx.state().set(&format!("entry/{entry_id}"), &call.entry.lead_id)?;
    }
    if !announce {
        cx.info("the call was closed before the CRM answered", &[("lead", &call.entry.lead_id)]);
        return Ok(());
    }
    cx.counter("calls-listed", 1, &[("queue", &call.entry.queue)]);
    let data = json!({ "team": call.entry.team, "contactBy": call.entry.contact_by, "revision": call.posted_revision, "receivedAt": call.received_at, "respondBy": due_at(cx, call, 1)? });
    emit(cx, call, CALL_LISTED, data)
}

fn refused(cx: &Context<'_, Config>, call: &Call, refusal: &Refusal) -> Result<(), Failure> {
    let status = refusal.status.map(|status| status.to_string()).unwrap_or_default();
    cx.counter("calls-refused", 1, &[("operation", refusal.operation), ("code", refusal.code)]);
    let fields = [
        ("lead", call.entry.lead_id.as_str()),
        ("operation", refusal.operation),
        ("code", refusal.code),
        ("status", status.as_str()),
    ];
    cx.error("the CRM refused a request: see the README for the code", &fields);
    emit(
        cx,
        call,
        CALL_REFUSED,
        json!({ "operation": refusal.operation, "code": refusal.code, "status": refusal.status, "revision": call.entry.revision }),
    )
}

fn escalated(cx: &Context<'_, Config>, call: &Call, level: u32) -> Result<(), Failure> {
    cx.counter("calls-escalated", 1, &[("level", &level.to_string())]);
    cx.warn("the customer was not contacted in time", &[("lead", &call.entry.lead_id), ("level", &level.to_string())]);
    let waited = cx.now().millis_since(call.received_at) / 1000;
    emit(
        cx,
        call,
        CALL_ESCALATED,
        json!({ "level": level, "to": recipient(cx, level), "waitedSeconds": waited, "receivedAt": call.received_at }),
    )
}

fn closed(cx: &Context<'_, Config>, call: &Call, reason: &str, contact: Option<&Contact>) -> Result<(), Failure> {
    cx.counter("calls-closed", 1, &[("reason", reason)]);
    let Some(contact) = contact else {
        cx.info("the lead is not on the call list", &[("lead", &call.entry.lead_id), ("reason", reason)]);
        return emit(cx, call, CALL_CLOSED, json!({ "reason": reason, "at": cx.now(), "escalations": call.level }));
    };
    let clock_ms = contact.at.millis_since(call.received_at);
    let received = (call.received_at, call.received_offset_seconds);
    let business = cx.config().hours()?.between_seconds(received, (contact.at, cx.delivery().utc_offset_seconds));
    let queue = call.entry.queue.as_str();
    // Durations in milliseconds are exact in a double for 285,000 years.
    cx.histogram(
        "lead-response-seconds",
        std::time::Duration::from_millis(clock_ms).as_secs_f64(),
        &[("basis", "clock"), ("queue", queue)],
    );
    cx.histogram(
        "lead-response-seconds",
        std::time::Duration::from_secs(business).as_secs_f64(),
        &[("basis", "business"), ("queue", queue)],
    );
    let data = json!({
        "reason": reason, "at": contact.at, "by": contact.by, "outcome": contact.outcome, "receivedAt": call.received_at,
        "responseSeconds": clock_ms / 1000, "responseBusinessSeconds": business, "escalations": call.level,
    });
    emit(cx, call, CALL_CLOSED, data)
}

fn set_timer(cx: &Context<'_, Config>, call: &Call) -> Result<(), Failure> {
    let level = call.level.saturating_add(1);
    let Some(at) = due_at(cx, call, level)? else { return Ok(()) };
    let lead_id = call.entry.lead_id.as_str();
    let event = NewEvent::json(CALL_DUE, &CallDue { lead_id: lead_id.to_owned(), level })?
        .subject(lead_id)
        .partition_key(lead_id);
    Ok(cx.schedule(&timer_key(lead_id), at, event)?)
}
