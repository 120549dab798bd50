//! The call list: first contacts, and escalations of missed calls.

use std::time::{Duration, SystemTime};

use handoff_tests::harness::{SOON, TestHost, bdc_list};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::json;

use crate::lead_path::{deliveries, listed};

#[tokio::test]
async fn the_first_contact_by_a_person_closes_the_call() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let lead = Lead::new(500);
    host.post_lead(&lead.adf()).await.expect(202);
    let entry = listed(&crm, &lead).await;
    host.wait_event("com.handoff.call.listed.v1", |data| data["entryId"] == entry.id.as_str()).await;
    assert_eq!(host.counts().await["timers"].as_u64().map(|count| count >= 1), Some(true));
    let before = host.counts().await["timers"].as_u64().expect("a count");

    // An automatic acknowledgement does not stop the clock.
    let automatic = json!({ "type": "call.first-contact", "entryId": entry.id, "human": false });
    host.report_contact("msg_auto", &automatic).await.expect(202);
    let contact = json!({ "type": "call.first-contact", "entryId": entry.id, "by": "kim", "human": true, "outcome": "appointment" });
    let position = host.report_contact("msg_kim", &contact).await.expect(202).position();
    let (_, closed) =
        host.wait_event("com.handoff.call.closed.v1", |data| data["leadId"] == entry.lead_id.as_str()).await;
    assert_eq!(
        (&closed["reason"], &closed["by"], &closed["escalations"]),
        (&"first-contact".into(), &"kim".into(), &0.into())
    );
    assert!(closed["responseSeconds"].as_u64().is_some_and(|seconds| seconds < 60), "{closed}");
    let trace = host.trace(position).await;
    let timers = deliveries(&trace)[0]["effects"]["timers"].clone();
    assert!(timers[0]["key"].is_string() && timers[0]["at"].is_null(), "the timer must be cancelled: {trace:#}");
    host.quiet().await;
    assert_eq!(host.counts().await["timers"], before - 1);

    // The CRM sends the same webhook again: nothing happens twice.
    let again = host.report_contact("msg_kim", &contact).await.expect(202);
    assert_eq!(again.json()["duplicates"], 1);
    assert_eq!(host.events("com.handoff.call.closed.v1").await.len(), 1);
    // A webhook for an unknown lead becomes a dead letter with a reason.
    let unknown = json!({ "type": "call.first-contact", "leadId": "nobody", "human": true });
    host.report_contact("msg_unknown", &unknown).await.expect(202);
    assert_eq!(host.wait_dead_letters(1).await[0]["failure"]["code"], "lead-unknown");
}

#[tokio::test]
async fn a_missed_call_is_escalated_once() {
    let crm = Crm::start().await;
    let mut settings = bdc_list(&crm);
    settings["config"]["only-business-hours"] = false.into();
    let host = TestHost::new().with_lead_handoff_to(settings).start().await;
    // A lead that has waited for 16 minutes, as after an outage of the sender.
    let waited = SystemTime::now() - Duration::from_secs(16 * 60);
    let lead_id = "5f2c9b0d41e84c7aa1b2c3d4e5f60718";
    let event = json!({
        "specversion": "1.0", "id": "late-1", "source": "https://router.example", "type": "com.handoff.lead.identified.v1",
        "time": rfc3339(waited), "subject": lead_id, "partitionkey": lead_id, "datacontenttype": "application/json",
        "data": {
            "lead": {
                "leadId": lead_id, "revision": 1,
                "customer": { "name": { "full": "Dana Reyes" }, "phones": [{ "number": "312-286-7236", "kind": "voice" }], "comments": "[late-1]" },
                "vehicles": [{ "interest": "buy", "condition": "new", "make": "Honda" }],
            },
            "identity": { "customerId": "c-1", "decision": "created" },
        },
    });
    let position = host.post_event(&event).await.expect(202).position();
    let (_, escalated) = host.wait_event("com.handoff.call.escalated.v1", |data| data["leadId"] == lead_id).await;
    assert_eq!((&escalated["level"], &escalated["to"]), (&1.into(), &"bdc-lead".into()), "{escalated}");
    assert!(escalated["waitedSeconds"].as_u64().is_some_and(|seconds| seconds >= 16 * 60), "{escalated}");
    host.quiet().await;

    let ledger = crm.ledger();
    ledger.assert_clean();
    assert_eq!(ledger.of_lead(lead_id).len(), 1);
    // The second level is due an hour after the lead, 44 minutes from now.
    let trace = host.trace(position).await;
    let timers: Vec<_> = deliveries(&trace)
        .iter()
        .flat_map(|one| one["effects"]["timers"].as_array().cloned().unwrap_or_default())
        .collect();
    let set = timers.iter().filter_map(|timer| timer["at"].as_str()).max().expect("a timer").to_owned();
    assert!(set > rfc3339(SystemTime::now() + Duration::from_secs(40 * 60)), "{timers:#?}");
    assert!(set < rfc3339(SystemTime::now() + Duration::from_secs(46 * 60)), "{timers:#?}");
    crm.wait("no second escalation", SOON, |ledger| {
        ledger.of_lead(lead_id).iter().all(|entry| entry.escalations.len() <= 1)
    })
    .await;
}

/// RFC 3339 in UTC with milliseconds (days to date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let (seconds, ms) = (since.as_secs(), since.subsec_millis());
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[test]
fn times_are_formatted_as_rfc_3339() {
    let at = |seconds| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
    assert_eq!(at(1_774_884_620), "2026-03-30T15:30:20.000Z");
}
