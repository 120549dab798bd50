//! A recorded delivery as a test case in the format that `handoff_sdk::testkit::TestCase` reads (see
//! `sdk/rust/README.md`). Inputs and effects are as recorded; the state is what the replay read.

use serde_json::{Map, Value, json};

use handoff_engine::shadow::Rerun;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::effects::{OutboxRequest, TimerRequest};
use handoff_model::event::{Event, HOP_COUNT, PARTITION_KEY};
use handoff_model::failure::{Failure, FailureKind};
use handoff_model::http::{Exchange, HttpError, Request};
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::time::Timestamp;
use handoff_store::RecordedEffects;

/// The name and version of the format.
const FORMAT: &str = "handoff-test-case/1";

/// The whole test case.
pub(super) fn case(
    installation: &Installation,
    content: &GenerationContent,
    rerun: &Rerun,
    time_zone: TimeZone,
) -> Value {
    let recorded = &rerun.recorded;
    let repeated = recorded.outcome.as_ref().map_or(&[][..], |effects| &effects.requests_repeated);
    let state: Map<String, Value> =
        rerun.read.iter().filter_map(|(key, value)| Some((key.clone(), bytes(value.as_deref()?)))).collect();
    let seed = hex::encode(rerun.seed);
    json!({
        "format": FORMAT,
        "about": {
            "package": content.package, "version": content.version.to_string(), "digest": content.digest,
            "position": recorded.position.0, "stateAssumed": rerun.state_assumed,
        },
        "delivery": {
            "installation": installation.name.as_str(), "generation": recorded.generation.0, "attempt": recorded.attempt,
            "time": recorded.time.0, "rooftop": rerun.scope.to_string(), "timeZone": String::from(time_zone),
            "utcOffsetSeconds": time_zone.utc_offset_seconds(recorded.time),
        },
        "config": serde_json::from_str::<Value>(&content.config_json).unwrap_or_default(),
        "event": event(&rerun.event),
        "seed": seed,
        "state": state,
        "answers": recorded.exchanges.iter().map(answer).collect::<Vec<_>>(),
        "usedKeys": repeated,
        "expect": match &recorded.outcome {
            Ok(effects) => expected(effects, recorded.time),
            Err(failure) => json!({ "failure": of_failure(failure) }),
        },
    })
}

fn expected(effects: &RecordedEffects, time: Timestamp) -> Value {
    let state: Map<String, Value> = effects
        .state_writes
        .iter()
        .map(|(key, value)| (key.clone(), value.as_deref().map_or(Value::Null, bytes)))
        .collect();
    let timer = |(key, timer): &(String, TimerRequest)| {
        (key.clone(), json!({ "at": timer.at.0, "event": new_event(&timer.event, time) }))
    };
    json!({
        "emitted": effects.emitted.iter().map(|event| new_event(event, time)).collect::<Vec<_>>(),
        "state": state,
        "timersSet": effects.timers_set.iter().map(timer).collect::<Map<_, _>>(),
        "timersCancelled": effects.timers_cancelled,
        "sent": effects.requests.iter().map(sent).collect::<Vec<_>>(),
    })
}

/// Bytes as text if they are text, so that people can read and edit them.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": hex::encode(bytes) }),
    }
}

fn event(event: &Event) -> Value {
    json!({
        "id": event.id, "source": event.source, "type": event.type_name, "subject": event.subject,
        "time": event.time.map(|time| time.0), "dataContentType": event.data_content_type,
        "dataSchema": event.data_schema, "extensions": event.extensions, "data": bytes(&event.data),
    })
}

/// An event as the connector emitted it, without the host's additions.
fn new_event(event: &Event, time: Timestamp) -> Value {
    let own = |name: &str| name != HOP_COUNT && name != PARTITION_KEY;
    let extensions: Map<String, Value> = event
        .extensions
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    json!({
        "type": event.type_name, "subject": event.subject,
        // The host uses the delivery's time if the connector gives none.
        "time": event.time.filter(|at| *at != time).map(|at| at.0),
        "dataContentType": event.data_content_type, "dataSchema": event.data_schema,
        "partitionKey": event.extensions.get(PARTITION_KEY), "extensions": extensions, "data": bytes(&event.data),
    })
}

fn request(request: &Request) -> Value {
    json!({
        "method": request.method, "url": request.url, "headers": request.headers,
        "body": request.body.as_deref().map(bytes), "auth": request.auth, "timeoutMs": request.timeout_ms,
    })
}

fn sent(sent: &OutboxRequest) -> Value {
    json!({
        "key": sent.key, "request": request(&sent.request), "answer": sent.answer, "partitionKey": sent.partition_key,
    })
}

fn answer(exchange: &Exchange) -> Value {
    let mut answer = Map::new();
    answer.insert("request".to_owned(), request(&exchange.request));
    match &exchange.result {
        Ok(response) => answer.insert(
            "response".to_owned(),
            json!({ "status": response.status, "headers": response.headers, "body": bytes(&response.body) }),
        ),
        Err(error) => {
            let (kind, message, ms) = match error {
                HttpError::Denied(text) => ("denied", text.as_str(), 0),
                HttpError::Invalid(text) => ("invalid", text.as_str(), 0),
                HttpError::Unreachable(text) | HttpError::Interrupted(text) => ("unreachable", text.as_str(), 0),
                HttpError::Timeout(text) => ("timeout", text.as_str(), 0),
                HttpError::ResponseTooLarge(text) => ("response-too-large", text.as_str(), 0),
                HttpError::Unavailable(ms) => ("unavailable", "", *ms),
                HttpError::LimitExceeded(text) => ("limit-exceeded", text.as_str(), 0),
            };
            answer.insert("error".to_owned(), json!({ "kind": kind, "message": message, "ms": ms }))
        }
    };
    Value::Object(answer)
}

fn of_failure(failure: &Failure) -> Value {
    let (kind, after_ms) = match failure.kind {
        FailureKind::Retry { after_ms } => ("retry", after_ms),
        FailureKind::Reject => ("reject", None),
        FailureKind::Misconfigured => ("misconfigured", None),
    };
    json!({ "kind": kind, "code": failure.code, "message": failure.message, "afterMs": after_ms })
}
