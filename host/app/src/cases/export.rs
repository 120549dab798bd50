//! A recorded delivery as a case: inputs and outcome as recorded; the state is what the replay read.

use serde_json::{Value, json};

use handoff_engine::shadow::Rerun;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::event::{Event, PARTITION_KEY};
use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationContent, Installation};

use super::convert;
use handoff_cases::{CASE_SCHEMA, CaseFile, EXPECTED_SCHEMA, EventFile, ExpectedFile, Outcome, Time, bytes};

/// The two files of the case: `{"case": …, "expected": …}`.
pub(crate) fn export(
    installation: &Installation,
    content: &GenerationContent,
    rerun: &Rerun,
    time_zone: TimeZone,
) -> Value {
    let recorded = &rerun.recorded;
    let used_keys = recorded.outcome.as_ref().map_or(&[][..], |effects| &effects.requests_repeated);
    let state = rerun.read.iter().filter_map(|(key, value)| Some((key.clone(), bytes::shown(value.as_deref()?))));
    let case = CaseFile {
        schema: CASE_SCHEMA.to_owned(),
        about: Some(json!({
            "package": content.package, "version": content.version.to_string(), "digest": content.digest,
            "position": recorded.position.0, "stateAssumed": rerun.state_assumed,
        })),
        config: serde_json::from_str(&content.config_json).unwrap_or_default(),
        grants: Some(grants(&content.grants)),
        state_schema: Some(content.state_schema),
        state: state.collect(),
        used_keys: used_keys.to_vec(),
        time: Time(recorded.time.0),
        time_zone: String::from(time_zone),
        rooftop: rerun.scope.to_string(),
        installation: installation.name.to_string(),
        generation: recorded.generation.0,
        attempt: recorded.attempt,
        seed: hex::encode(rerun.seed),
        events: vec![event(&rerun.event)],
        http: recorded.exchanges.iter().map(convert::exchange).collect(),
    };
    let outcome = match &recorded.outcome {
        Ok(effects) => Outcome::Commit(Box::new(convert::commit(
            &convert::Effects {
                emitted: &effects.emitted,
                state_writes: effects.state_writes.iter().map(|(key, value)| (key, value)).collect(),
                timers_set: effects.timers_set.iter().map(|(key, timer)| (key, timer)).collect(),
                timers_cancelled: &effects.timers_cancelled,
                requests: &effects.requests,
            },
            recorded.time,
        ))),
        Err(failure) => Outcome::Failure(convert::failure(failure)),
    };
    let expected = ExpectedFile { schema: EXPECTED_SCHEMA.to_owned(), validation: None, deliveries: vec![outcome] };
    json!({ "case": case, "expected": expected })
}

/// The event as recorded. Its own partition key is an extension, too.
fn event(event: &Event) -> EventFile {
    let mut extensions = event.extensions.clone();
    let partitionkey = extensions.remove(PARTITION_KEY);
    EventFile {
        at: None,
        timer: None,
        id: Some(event.id.clone()),
        source: Some(event.source.clone()),
        type_name: Some(event.type_name.clone()),
        subject: event.subject.clone(),
        time: event.time.map(|at| Time(at.0)),
        datacontenttype: event.data_content_type.clone(),
        dataschema: event.data_schema.clone(),
        partitionkey,
        extensions,
        data: (!event.data.is_empty()).then(|| data(event)),
    }
}

/// Data without a media type is written as text, so that reading it back does not add one.
fn data(event: &Event) -> Value {
    match std::str::from_utf8(&event.data) {
        Ok(text) if event.data_content_type.is_none() => json!({ "$text": text }),
        _ => bytes::shown(&event.data),
    }
}

/// As a settings file writes them.
fn grants(grants: &Grants) -> Value {
    let targets = grants.http.iter().map(|target| {
        let mut fields = json!({
            "name": target.name, "host": target.host, "plaintext": target.plaintext,
            "private-addresses": target.private_addresses, "methods": target.methods, "paths": target.paths,
            "look-ups": target.look_ups, "auth": target.auth,
        });
        if let (Some(port), Some(fields)) = (target.port, fields.as_object_mut()) {
            fields.insert("port".to_owned(), port.into());
        }
        fields
    });
    json!({ "accepts": grants.accepts, "emits": grants.emits, "http": targets.collect::<Vec<_>>() })
}
