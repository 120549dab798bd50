//! The audit chain and host records: they are written with the changes that they describe, they survive everything, and
//! tampering with the chain is detected.

use crate::apply::Sink as _;
use crate::rows::encode;
use crate::{
    Appended, AuditEntry, AuditVerdict, DeadLetterIds, FailureAction, NewAudit, NewEvent, Recipients, StoreError, keys,
};
use handoff_model::actor::{Actor, Identity};
use handoff_model::host_records::PublisherKey;
use handoff_model::installation::{NewDetails, Origin, Pause};
use handoff_model::names::Generation;
use handoff_model::time::Timestamp;

use super::support::{Bench, event, generation, rooftop, run, scope};

/// A store with some history, and its audit entries.
fn busy() -> (Bench, Vec<AuditEntry>) {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let position = store.add("a", None);
    store.fail_first(id, FailureAction::DeadLetter);
    let letter = DeadLetterIds(vec![(id, position)]);
    run(store.redrive(letter, Actor::user("ann"), "fixed".into(), Timestamp(5))).unwrap();
    // It is active: that is no change.
    run(store.set_paused("leads".parse().unwrap(), None, Actor::user("bob"), Timestamp(6))).unwrap();
    let pause = Pause::by(Actor::user("bob"), None, Timestamp(6));
    for pause in [pause.clone(), pause] {
        run(store.set_paused("leads".parse().unwrap(), Some(pause), Actor::user("bob"), Timestamp(6))).unwrap();
    }
    let audit = NewAudit {
        at: Timestamp(7),
        by: Actor::user("ann"),
        action: "trust-add",
        subject: "acme".to_owned(),
        detail_json: "{}".to_owned(),
        scopes: Vec::new(),
    };
    run(store.set_publisher_keys("acme".into(), vec![key("key")], audit)).unwrap();
    let entries = store.audit(0, 100).unwrap();
    (store, entries)
}

#[test]
fn an_event_that_a_person_sends_is_one_write_with_its_entry() {
    let store = Bench::new(|_| ());
    store.install("leads", &["lead"]);
    let audit = NewAudit {
        at: Timestamp(7),
        by: Actor::user("ann"),
        action: "send-event",
        subject: "main-street".to_owned(),
        detail_json: "{}".to_owned(),
        scopes: vec![scope()],
    };
    let mut answers = Vec::new();
    for _ in 0..2 {
        let syncs = store.journal_volume().syncs;
        let new = NewEvent { event: event("sent", None), to: Recipients::Rooftop(rooftop()) };
        answers.extend(run(store.append_audited(vec![new], Timestamp(7), audit.clone())).unwrap());
        assert_eq!(store.journal_volume().syncs, syncs + 1);
    }
    assert!(matches!(answers[..], [Appended::Accepted { .. }, Appended::Duplicate { .. }]), "{answers:?}");
    let actions: Vec<_> = store.audit(0, 100).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["install", "send-event", "send-event"], "a repeated one was sent, too");
}

#[test]
fn every_change_has_its_audit_entry_after_kills_and_a_lost_index() {
    let (mut store, entries) = busy();
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.number, entry.by.to_string(), entry.action.as_str())).collect();
    let by = str::to_owned;
    assert_eq!(
        told,
        [(1, by("ann"), "install"), (2, by("ann"), "redrive"), (3, by("bob"), "pause"), (4, by("ann"), "trust-add")]
    );
    assert_eq!((entries[0].before, entries[1].subject.as_str()), ([0; 32], "leads"));
    let scopes: Vec<usize> = entries.iter().map(|entry| entry.scopes.len()).collect();
    assert_eq!((scopes, &entries[1].scopes[0]), (vec![1, 1, 1, 0], &scope()));
    let sound = AuditVerdict::Sound { entries: 4, hash: entries[3].hash };
    store.kill();
    assert_eq!((store.verify_audit().unwrap(), store.audit_head()), (sound.clone(), (4, entries[3].hash)));
    let copy = store.copy();
    std::fs::remove_dir_all(copy.path().join("index")).unwrap();
    store.go_on_in(copy).unwrap();
    assert_eq!((store.verify_audit().unwrap(), store.audit(0, 100).unwrap()), (sound, entries));
    assert_eq!(store.publisher_keys("acme").unwrap(), Some(vec![key("key")]));
    assert_eq!(store.all_publisher_keys().unwrap(), [("acme".to_owned(), vec![key("key")])]);
    assert_eq!(store.publisher_keys("acm").unwrap(), None);
    let audit = NewAudit {
        at: Timestamp(8),
        by: Actor::user("ann"),
        action: "trust-add",
        subject: "x".to_owned(),
        detail_json: "{}".to_owned(),
        scopes: Vec::new(),
    };
    let huge = run(store.set_publisher_keys("x".into(), vec![key(&"k".repeat(70_000))], audit));
    assert!(matches!(huge, Err(StoreError::HostRecordTooLarge { .. })));
}

fn key(public_key: &str) -> PublisherKey {
    PublisherKey {
        public_key: public_key.to_owned(),
        added_at: Timestamp(1),
        introduced_by: None,
        not_after: None,
        revoked: None,
    }
}

#[test]
fn an_entry_that_was_changed_removed_moved_or_cut_off_is_found() {
    type Touch = fn(&mut Vec<Option<AuditEntry>>);
    let touches: [(u64, Touch); 9] = [
        (2, |rows| rows[1].as_mut().unwrap().by = Actor::user("eve")),
        (2, |rows| rows[1].as_mut().unwrap().by.note = Some("for Bob".to_owned())),
        (2, |rows| rows[1].as_mut().unwrap().by.identity = Identity::Token("ann".to_owned())),
        (2, |rows| rows[1].as_mut().unwrap().scopes.clear()),
        (3, |rows| {
            let entry = rows[1].as_mut().unwrap();
            entry.by = Actor::user("eve");
            entry.hash = entry.computed_hash();
        }),
        (2, |rows| rows[1] = None),
        (2, |rows| rows.swap(1, 2)),
        (4, |rows| rows[3] = None),
        (4, |rows| {
            let entry = rows[3].as_mut().unwrap();
            entry.detail_json = "{\"a\":1}".to_owned();
            entry.hash = entry.computed_hash();
        }),
    ];
    for (place, touch) in touches {
        let (store, entries) = busy();
        let mut rows: Vec<_> = entries.into_iter().map(Some).collect();
        touch(&mut rows);
        store.shared.view.write(false, |sink| {
            for (number, row) in (1..).zip(rows) {
                match row {
                    Some(row) => sink.put(keys::audit(number), encode(&row)),
                    None => sink.delete(keys::audit(number)),
                }
            }
        });
        let verdict = store.verify_audit().unwrap();
        assert!(matches!(verdict, AuditVerdict::Broken { number, .. } if number == place), "{place}: {verdict:?}");
    }
}

#[test]
fn a_generation_keeps_where_it_came_from() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let next = store.add("a", None).0 + 1;
    let origin = Origin::Registry { registry: "main".to_owned(), reference: "acme/leads@^1".to_owned() };
    let details = NewDetails { settings_json: "{}".to_owned(), origin, ..NewDetails::default() };
    let mut new = generation("leads", &["lead"], Some(Generation(1)));
    new.details = details.clone();
    run(store.put_generation(new)).unwrap();
    store.kill();
    let kept = store.generation_details(id, Generation(2)).unwrap().unwrap();
    assert_eq!((kept.again(), kept.from, kept.starts_at.0), (details, Some(Generation(1)), next));
    assert_eq!(store.generation_details(id, Generation(1)).unwrap().unwrap().from, None);
    assert_eq!(store.generation_details(id, Generation(3)).unwrap(), None);
}
