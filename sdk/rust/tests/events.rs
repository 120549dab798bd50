//! The generated types hold every example of the published schemas, and what a newer sender may add.

use std::fs;
use std::path::Path;

use handoff_sdk::events::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Data that is read and written again.
fn written<T: DeserializeOwned + Serialize>(data: &Value) -> Value {
    let read: T = serde_json::from_value(data.clone()).unwrap_or_else(|error| panic!("{error}\n{data:#}"));
    serde_json::to_value(&read).expect("JSON")
}

/// By the type of the event; none if its data is bytes.
fn by_type(type_name: &str) -> Option<fn(&Value) -> Value> {
    Some(match type_name {
        CALL_CLOSED => written::<CallClosed>,
        CALL_DUE => written::<CallDue>,
        CALL_ESCALATED => written::<CallEscalated>,
        CALL_LISTED => written::<CallListed>,
        CALL_REFUSED => written::<CallRefused>,
        CONSENT_CHANGED => written::<ConsentChanged>,
        CUSTOMER_MERGED => written::<CustomerMerged>,
        CUSTOMER_UNMERGED => written::<CustomerUnmerged>,
        IDENTITY_MERGE => written::<IdentityMerge>,
        IDENTITY_UNMERGE => written::<IdentityUnmerge>,
        LEAD_IDENTIFIED => written::<LeadIdentified>,
        LEAD_RECEIVED => written::<Lead>,
        OUTBOX_ANSWERED => written::<OutboxAnswered>,
        SALE_CLOSED => written::<SaleClosed>,
        SCHEDULE_TICKED => written::<ScheduleTicked>,
        _ => return None,
    })
}

#[test]
fn every_example_is_read_and_written_without_loss() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/events");
    let mut count = 0;
    for file in fs::read_dir(folder).expect("the schemas").flatten() {
        // The host writes milliseconds that are zero, the SDK does not.
        let text = fs::read_to_string(file.path()).expect("text").replace(".000Z", "Z");
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        let has_type = schema["properties"]["data"]["$ref"].is_string();
        for example in schema["examples"].as_array().into_iter().flatten() {
            let written = by_type(example["type"].as_str().expect("a type"));
            assert_eq!(written.is_some(), has_type, "{example:#}");
            if let Some(written) = written {
                // An absent value may be written as null.
                let mut data = example["data"].clone();
                data.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
                assert_eq!(written(&example["data"]), data);
                count += 1;
            }
        }
    }
    assert!(count >= 15, "only {count} examples");
}

#[test]
fn what_a_newer_sender_adds_does_not_break_a_connector() {
    let data =
        json!({ "phone": "312-867-2368", "channel": "carrier-pigeon", "optedOut": true, "region": { "code": 7 } });
    let consent: ConsentChanged = serde_json::from_value(data).expect("it is read");
    assert_eq!(consent.channel, ConsentChannel::Other("carrier-pigeon".to_owned()));
    assert_eq!(serde_json::to_value(&consent).expect("JSON")["channel"], "carrier-pigeon");
    let known: ConsentChannel = serde_json::from_value(json!("all")).expect("it is read");
    assert_eq!(known, ConsentChannel::All);
}

#[test]
fn data_without_a_required_field_names_it() {
    let error = serde_json::from_value::<CallDue>(json!({ "leadId": "L-1" })).expect_err("no level");
    assert_eq!(error.to_string(), "missing field `level`");
}
