//! Track records: what they count, what becomes the baseline, and that a restart changes nothing.

use crate::{FailureAction, Leave, NewGeneration, RequestOutcome, Verdict};
use handoff_model::effects::{Effects, Trace};
use handoff_model::failure::{Failure, host_codes};
use handoff_model::http::{Exchange, HttpError, Request, Response};
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;
use handoff_model::track_record::EffectKind;

use super::support::{Bench, event, generation, request, run};

fn deliver(store: &Bench, id: InstallationId, name: &str, effects: Effects) {
    store.add(name, None);
    store.commit_first(id, effects);
}

fn fail(store: &Bench, id: InstallationId, failure: Failure, then: FailureAction, trace: Trace) {
    let attempt = store.attempt(id, store.first(id));
    let done = run(store.fail(attempt, store.snapshot(), failure, then, trace)).unwrap();
    assert!(matches!(done, Verdict::Done { .. }));
}

fn looked_up(host: &str, result: Result<Response, HttpError>, duration_ms: u64) -> Trace {
    let request = Request { url: format!("https://{host}/search"), method: "GET".to_owned(), ..request("r").request };
    Trace { exchanges: vec![Exchange { request, result, duration_ms }], duration_us: 5_000_000, ..Trace::default() }
}

fn found() -> Result<Response, HttpError> {
    Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
}

#[test]
fn a_track_record_is_the_same_after_a_kill_and_an_orderly_end() {
    let mut store = Bench::new(|options| options.buffer_bytes = 3_000);
    let id = store.install("leads", &["lead"]).id;
    for number in 0..70 {
        let outbox = vec![request(&format!("r-{number}"))];
        let emitted = vec![event(&format!("emitted-{number}"), None)];
        deliver(&store, id, &format!("e-{number}"), Effects { outbox, emitted, ..Effects::default() });
    }
    let position = store.outbox(id, None, 1).unwrap()[0].position;
    let refused = RequestOutcome::Answered { status: 422, answer: None };
    store.send_once(id, position, Timestamp(9), refused);
    let before = store.track_records(id);
    assert_eq!((before.active.events, before.active.finished, before.active.failed), (70, 70, 0));
    let kinds = [EffectKind::Event("lead"), EffectKind::AnyRequest, EffectKind::Request("crm.example")];
    assert_eq!(before.active.kinds.iter().map(EffectKind::as_ref).collect::<Vec<_>>(), kinds);
    assert_eq!((before.active.answers[0].ended, before.active.answers[0].refused), (1, 1));
    store.kill();
    assert_eq!(store.track_records(id), before);
    store.close();
    store.reopen().unwrap();
    assert_eq!(store.track_records(id), before);
    // A new generation keeps it as its baseline.
    store.install("leads", &["lead"]);
    store.kill();
    let after = store.track_records(id);
    assert_eq!((after.baseline.as_ref(), after.active.events), (Some(&before.active), 0));
}

#[test]
fn a_generation_with_few_deliveries_does_not_become_the_baseline() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let deliveries = |from: u64, to: u64| {
        (from..to).for_each(|number| deliver(&store, id, &format!("e-{number}"), Effects::default()));
    };
    let baseline = || store.track_records(id).baseline.as_ref().map(|record| (record.generation.0, record.events));
    deliveries(0, 60);
    store.install("leads", &["lead"]);
    deliveries(60, 70);
    store.install("leads", &["lead"]);
    assert_eq!(baseline(), Some((1, 60)), "ten deliveries are too few");
    deliveries(70, 130);
    store.install("leads", &["lead"]);
    assert_eq!(baseline(), Some((3, 60)));
    deliveries(130, 140);
    // The restored version continues where it was.
    let restores = Generation(3);
    let leave = Leave { to_end_of: restores, restore_state: false, replay: false, unless_paused: false };
    run(store.put_generation(NewGeneration {
        reason: GenerationReason::Rollback { restores },
        leave: Some(leave),
        ..generation("leads", &["lead"], Some(Generation(4)))
    }))
    .unwrap();
    let records = store.track_records(id);
    assert_eq!(
        (records.active.generation, records.active.events, records.baseline.is_some()),
        (Generation(5), 60, false)
    );
}

#[test]
fn an_event_counts_once_however_often_it_is_tried() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    let entry = store.first(id);
    let failed = |failure: Failure, then| {
        let attempt = store.attempt(id, entry);
        run(store.fail(attempt, store.snapshot(), failure, then, Trace::default())).unwrap();
    };
    failed(Failure::retry("busy", ""), FailureAction::Retry { due: Timestamp(50) });
    failed(Failure::retry(host_codes::TRAP, ""), FailureAction::DeadLetter);
    let record = store.track_records(id).active.clone();
    let counts = (record.events, record.failed, record.crashed, record.finished, record.given_up);
    assert_eq!(counts, (1, 1, 0, 1, 1));
    store.add("b", None);
    fail(&store, id, Failure::retry(host_codes::STATE_READ, ""), FailureAction::DeadLetter, Trace::default());
    assert_eq!(store.track_records(id).active, record, "the host's own failure says nothing");
}

#[test]
fn a_target_that_is_away_excuses_a_failure_if_it_answered_before() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let mut number = 0;
    let mut failed = |failure: Failure, trace: Trace| {
        number += 1;
        store.add(&format!("f-{number}"), None);
        fail(&store, id, failure, FailureAction::DeadLetter, trace);
        let record = &store.track_records(id).active;
        (record.failed, record.crashed, record.excused)
    };
    let away = || Err(HttpError::Unreachable("no route".to_owned()));
    let retry = || Failure::retry("crm-down", "");
    assert_eq!(failed(retry(), looked_up("crm.example", away(), 10)), (1, 0, 0), "it may be the wrong target");
    store.add("good", None);
    let attempt = store.attempt(id, store.first(id));
    run(store.commit(attempt, store.snapshot(), Effects::default(), looked_up("crm.example", found(), 10))).unwrap();
    assert_eq!(failed(retry(), looked_up("crm.example", away(), 10)), (1, 0, 1));
    assert_eq!(failed(retry(), looked_up("other.example", away(), 10)), (2, 0, 1));
    assert_eq!(failed(Failure::reject("no-lead", ""), looked_up("crm.example", away(), 10)), (3, 0, 1));
    let deadline = || Failure::retry(host_codes::DEADLINE, "");
    let late = || Err(HttpError::Timeout("late".to_owned()));
    assert_eq!(failed(deadline(), looked_up("crm.example", late(), 4_900)), (3, 0, 2), "it waited for its target");
    assert_eq!(failed(deadline(), looked_up("crm.example", late(), 100)), (4, 1, 2), "it looped");
    assert_eq!(failed(retry(), looked_up("crm.example", found(), 10)), (5, 1, 2));
}
