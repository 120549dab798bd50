//! Several deliveries in sequence: repeated leads, changed leads, reused ids, retention.

#[path = "support/published.rs"]
mod published;
#[path = "support/writer.rs"]
mod support;

use adf_leads::AdfLeads;
use adf_leads::ledger::Record;
use handoff_sdk::Timestamp;
use handoff_sdk::testkit::{Bench, Delivered, event};
use serde_json::{Value, json};
use support::{Doc, adf};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const START: Timestamp = Timestamp::from_millis(1_774_882_800_000);

fn bench() -> Bench<AdfLeads> {
    Bench::new(json!({})).at(START)
}

fn deliver(bench: &mut Bench<AdfLeads>, id: &str, document: &str) -> Delivered {
    let hook =
        event("com.handoff.hook.received.v1").source("/hooks/test").id(id).bytes("application/xml", document).build();
    let delivered = bench.deliver(&hook);
    published::assert_published(&delivered);
    delivered
}

fn leads(delivered: &Delivered) -> Vec<(String, String, u64)> {
    delivered.expect_ok();
    let leads: Vec<Value> = delivered.emitted_json("com.handoff.lead.received.v1");
    leads
        .iter()
        .map(|lead| {
            let text = |name: &str| lead[name].as_str().expect("a text").to_owned();
            (text("leadId"), text("status"), lead["revision"].as_u64().expect("a number"))
        })
        .collect()
}

#[test]
fn a_repeated_lead_emits_nothing_in_any_packaging() {
    let mut bench = bench();
    let first = deliver(&mut bench, "1", &adf(&[Doc::default()]));
    assert_eq!(leads(&first).len(), 1);
    assert_eq!((first.counted("leads-in"), first.counted("leads-new"), first.counted("leads-duplicate")), (1, 1, 0));

    for (id, again) in [
        ("2", adf(&[Doc::default()])),
        ("3", format!("<html><pre>{}</pre></html>", adf(&[Doc::default()]).replace('&', "&amp;").replace('<', "&lt;"))),
        ("4", format!("From: a@b.example\nSubject: lead\n\n{}", adf(&[Doc::default()]))),
    ] {
        let delivered = deliver(&mut bench, id, &again);
        assert_eq!(leads(&delivered), []);
        assert_eq!((delivered.counted("leads-in"), delivered.counted("leads-duplicate")), (1, 1));
    }
}

#[test]
fn a_changed_or_resent_lead_gets_the_next_revision() {
    let mut bench = bench();
    let first = leads(&deliver(&mut bench, "1", &adf(&[Doc::default()])));
    let (lead_id, status, revision) = first.first().expect("a lead").clone();
    assert_eq!((status.as_str(), revision), ("new", 1));

    let changed = Doc { model: "Pilot", ..Doc::default() };
    assert_eq!(leads(&deliver(&mut bench, "2", &adf(&[changed]))), [(lead_id.clone(), "resend".to_owned(), 2)]);
    assert_eq!(leads(&deliver(&mut bench, "3", &adf(&[changed]))), []);

    let resent = Doc { status: "resend", ..changed };
    assert_eq!(leads(&deliver(&mut bench, "4", &adf(&[resent]))), [(lead_id.clone(), "resend".to_owned(), 3)]);
    assert_eq!(leads(&deliver(&mut bench, "5", &adf(&[resent]))), []);

    // A late copy of the first version corrects nothing; deliberately resent, it does.
    assert_eq!(leads(&deliver(&mut bench, "6", &adf(&[Doc::default()]))), []);
    let on_purpose = Doc { status: "resend", ..Doc::default() };
    assert_eq!(leads(&deliver(&mut bench, "7", &adf(&[on_purpose]))), [(lead_id.clone(), "resend".to_owned(), 4)]);

    let record: Record = bench.state_json(&format!("lead/{lead_id}")).expect("remembered");
    assert_eq!(record.revision, 4);
    assert!(serde_json::to_string(&record).expect("JSON").len() < 400, "a record stays small");
    assert_eq!(bench.state_keys("lead/").len(), 1);
    assert_eq!(bench.state_keys("seen/").len(), 1);
}

#[test]
fn an_older_document_does_not_undo_a_correction() {
    let mut bench = bench();
    let dated = |day: &str, doc: Doc<'_>| adf(&[doc]).replace("2026-03-30T", &format!("{day}T"));
    assert_eq!(
        leads(&deliver(&mut bench, "1", &dated("2026-03-30", Doc { status: "resend", ..Doc::default() }))).len(),
        1
    );
    for (id, day) in [("2", "2026-03-29"), ("3", "2026-03-30")] {
        let late = deliver(&mut bench, id, &dated(day, Doc { phone: "312-555-0100", ..Doc::default() }));
        assert_eq!(leads(&late), [], "{day}");
        assert_eq!(late.counted("leads-late"), 1);
    }
    let newer = deliver(&mut bench, "4", &dated("2026-03-31", Doc { phone: "312-555-0101", ..Doc::default() }));
    assert_eq!(leads(&newer)[0].2, 2);
}

#[test]
fn an_id_that_is_a_placeholder_identifies_nobody() {
    for id in ["{{lead_id}}", "null", "None", "[id]", "%%ID%%", "N/A", "0"] {
        let mut bench = bench();
        let first = Doc { id, ..Doc::default() };
        // Also a relative, who shares the surname.
        let second = Doc { id, first: "Kim", phone: "312-555-0143", ..Doc::default() };
        let found =
            [leads(&deliver(&mut bench, "1", &adf(&[first]))), leads(&deliver(&mut bench, "2", &adf(&[second])))];
        assert_ne!(found[0][0].0, found[1][0].0, "{id}");
        assert_eq!((found[0][0].2, found[1][0].2), (1, 1), "{id}");
    }
}

#[test]
fn the_same_bytes_after_a_clock_change_are_the_same_lead() {
    let document = adf(&[Doc { id: "", ..Doc::default() }]).replace("-05:00", "");
    let mut bench = bench();
    assert_eq!(leads(&deliver(&mut bench, "1", &document)).len(), 1);
    bench = bench.rooftop("main-street", "America/Chicago", -6 * 3600);
    assert_eq!(leads(&deliver(&mut bench, "2", &document)), []);
}

#[test]
fn an_id_reused_for_another_person_is_a_separate_lead() {
    let mut bench = bench();
    let first = leads(&deliver(&mut bench, "1", &adf(&[Doc::default()])));
    let other = Doc { last: "Okafor", first: "Ife", phone: "312-555-0199", ..Doc::default() };
    let second = deliver(&mut bench, "2", &adf(&[other]));

    let found = leads(&second);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].1.as_str(), found[0].2), ("new", 1));
    assert_ne!(found[0].0, first[0].0);
    let lead: Value = second.emitted_json("com.handoff.lead.received.v1").remove(0);
    assert_eq!(lead["warnings"][0]["code"], "id-reused");
    assert_eq!(leads(&deliver(&mut bench, "3", &adf(&[other]))), []);

    // People who marry or move keep a phone or a name: still the same lead.
    let renamed = Doc { last: "Ito", ..Doc::default() };
    assert_eq!(leads(&deliver(&mut bench, "4", &adf(&[renamed]))), [(first[0].0.clone(), "resend".to_owned(), 2)]);
}

#[test]
fn two_people_with_one_id_in_one_document_are_two_leads() {
    let mut bench = bench();
    let other = Doc { last: "Okafor", first: "Ife", phone: "312-555-0199", ..Doc::default() };
    let found = leads(&deliver(&mut bench, "1", &adf(&[Doc::default(), other, Doc::default()])));
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].0, found[1].0);
}

#[test]
fn an_invalid_prospect_does_not_affect_the_valid_ones() {
    let mut bench = bench();
    let nobody = Doc { id: "L-2", last: "", first: "", phone: "", ..Doc::default() };
    let delivered = deliver(&mut bench, "1", &adf(&[nobody, Doc::default()]));
    assert_eq!(leads(&delivered).len(), 1);
    assert_eq!(delivered.counted("leads-refused"), 1);
    assert!(delivered.logs.iter().any(|log| log.message.contains("prospect[0]")));

    let alone = deliver(&mut bench, "2", &adf(&[nobody]));
    assert_eq!(alone.expect_failure().code(), "lead-without-contact");
}

#[test]
fn a_lead_is_forgotten_after_exactly_the_configured_days() {
    let mut bench: Bench<AdfLeads> = Bench::new(json!({ "remember-days": 10 })).at(START);
    assert_eq!(leads(&deliver(&mut bench, "1", &adf(&[Doc::default()]))).len(), 1);
    assert_eq!(bench.timers().len(), 1);

    for day in 1..=5 {
        for swept in bench.fire_timers(START.plus_millis(day * DAY_MS + 1)) {
            swept.expect_ok();
        }
    }
    bench.set_time(START.plus_millis(5 * DAY_MS));
    assert_eq!(leads(&deliver(&mut bench, "2", &adf(&[Doc::default()]))), [], "still known on day 5");
    assert_eq!(bench.state_keys("seen/").len(), 1);

    bench.fire_timers(START.plus_millis(15 * DAY_MS));
    assert_eq!(bench.state_keys("lead/").len(), 1, "received on day 5, so kept until day 15");
    bench.fire_timers(START.plus_millis(17 * DAY_MS));
    assert_eq!(bench.state_keys("lead/"), [""; 0]);
    assert_eq!(bench.state_keys("seen/"), [""; 0]);
    assert_eq!(bench.timers().len(), 1, "the next sweep must be scheduled");

    bench.set_time(START.plus_millis(17 * DAY_MS));
    let again = leads(&deliver(&mut bench, "3", &adf(&[Doc::default()])));
    assert_eq!((again[0].1.as_str(), again[0].2), ("new", 1));
}

#[test]
fn expired_leads_are_deleted_in_batches() {
    let mut bench: Bench<AdfLeads> = Bench::new(json!({ "remember-days": 1, "max-prospects": 300 })).at(START);
    let ids: Vec<String> = (0..700).map(|number| format!("L-{number}")).collect();
    for (number, chunk) in ids.chunks(300).enumerate() {
        let documents: Vec<Doc<'_>> = chunk.iter().map(|id| Doc { id, ..Doc::default() }).collect();
        assert_eq!(leads(&deliver(&mut bench, &number.to_string(), &adf(&documents))).len(), chunk.len());
    }
    for swept in bench.fire_timers(START.plus_millis(4 * DAY_MS)) {
        swept.expect_ok();
    }
    assert_eq!(bench.state_keys("lead/"), [""; 0]);
}

#[test]
fn a_dropped_mail_file_is_read_like_a_webhook() {
    let mut bench = bench();
    let mail = format!("X-Spam: no\nTo: leads@dealer.example\n\n{}", adf(&[Doc::default()]));
    let file = event("com.handoff.file.dropped.v1")
        .source("/folders/test/leads")
        .id("f1")
        .subject("lead-17.EML")
        .bytes("application/octet-stream", mail)
        .build();
    assert_eq!(leads(&bench.deliver(&file)).len(), 1);
}

#[test]
fn config_errors_name_the_field() {
    for (config, word) in [
        (json!({ "max-prospects": 0 }), "max-prospects"),
        (json!({ "default-currency": "dollars" }), "default-currency"),
        (json!({ "default-country": "usa" }), "default-country"),
        (json!({ "remember-days": 100000 }), "remember-days"),
        (json!({ "max-document-bytes": 5 }), "max-document-bytes"),
        (json!({ "max-prospect": 5 }), "max-prospect"),
        (json!({ "other-vendor": "drop" }), "other-vendor"),
    ] {
        let failure = Bench::<AdfLeads>::new(config).validate().expect_err("refused");
        assert!(failure.message().contains(word), "{}", failure.message());
    }
}
